"""Rule desk and admin page, against the real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from server.desk.desk import Desk
from tests.server.desk.test_desk import pack
from tests.server.running import Running
from tests.web.conftest import PATIENCE, Open
from tests.web.hall import Hall
from tests.web.pages import no_sideways_scroll
from tests.web.test_real_server_browser import in_a_thread

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "packs" / "shop").mkdir(parents=True)
    (folder / "packs" / "shop" / "promise.yaml").write_text(pack(), "utf-8")
    with in_a_thread(desk=Desk(folder / "kept", folder / "packs")) as (server, _):
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE)
    wrong: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
    yield page
    page.close()
    assert [one for one in wrong if "Failed to load resource" not in one] == []


def test_a_rule_is_changed_checked_published_and_taken_back(real: Running, page: Page) -> None:
    page.goto(f"{real.http}/desk")
    page.get_by_role("button", name="文本", exact=True).click()
    area = page.get_by_label("规则文本")
    expect(area).to_have_value(pack())
    publish = page.get_by_role("button", name="发布", exact=True)
    expect(publish).to_be_disabled()
    area.fill(pack().replace("    when: {role", "    when: {rolle"))
    expect(page.locator(".problems li").first).to_contain_text("promise.yaml")
    expect(publish).to_be_disabled()
    page.locator(".problems button").first.click()
    line = area.evaluate("one => one.value.slice(0, one.selectionStart).split('\\n').length")
    assert 3 <= line <= 8, "the caret stands in the rule that is wrong"
    area.fill(pack("包退"))
    expect(page.locator(".editor > .facts")).to_have_text("检查通过，自带测试都过了")
    page.get_by_role("button", name="试跑").click()
    expect(page.locator(".trial")).to_contain_text("多出 0 张，少了 0 张")
    publish.click()
    expect(page.locator(".editor > .facts")).to_have_text("已发布第 1 版，新接通的电话开始使用")
    versions = page.get_by_role("region", name="版本")
    expect(versions.locator("h2")).to_have_text("版本：v1 使用中")
    versions.get_by_role("button").click()
    versions.get_by_role("button").click()
    expect(versions.locator("h2")).to_have_text("版本：v0 使用中")
    page.reload()
    expect(area).to_have_value(pack())


def test_a_rule_is_changed_in_a_form_by_keyboard(real: Running, page: Page) -> None:
    """What is typed goes into the text through the server; a fault is told at its field."""
    page.goto(f"{real.http}/desk")
    field = page.get_by_label
    expect(field("名称", exact=True)).to_have_value("擅自承诺")
    expect(field("触发的说法")).to_have_value("保证退款")
    publish = page.get_by_role("button", name="发布", exact=True)
    expect(page.locator('[data-field="suggestion"] output')).to_have_text("16 / 40")

    field("给坐席的建议").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("稍" * 41)
    expect(page.locator('[data-field="suggestion"] output')).to_have_text("41 / 40")
    page.keyboard.press("Tab")
    wrong = page.locator("#wrong-suggestion")
    expect(wrong).to_contain_text("第 8 行第 14 列")
    expect(field("给坐席的建议")).to_have_attribute("aria-invalid", "true")
    expect(publish).to_be_disabled()

    field("给坐席的建议").fill("我先帮您核实：{title|您}请稍等。")
    field("应当命中", exact=True).fill("我们保证退款\n保证退款的")
    field("各品牌的说法").fill("telecom = 请稍等。")
    field("各品牌的说法").blur()
    expect(page.locator(".editor > .facts")).to_have_text("检查通过，自带测试都过了")
    expect(wrong).to_be_empty()
    expect(field("给坐席的建议")).not_to_have_attribute("aria-invalid", "true")
    expect(publish).to_be_enabled()
    page.get_by_role("button", name="文本", exact=True).click()
    expect(page.get_by_label("规则文本")).to_have_value(
        pack()
        .replace("我先帮您核实，再给您准确的答复。}", "'我先帮您核实：{title|您}请稍等。', brands: {telecom: 请稍等。}}")
        .replace("[我们保证退款]", "[我们保证退款, 保证退款的]")
    )  # fmt: skip
    page.get_by_role("button", name="撤销修改").click()
    expect(page.get_by_label("规则文本")).to_have_value(pack())
    page.get_by_role("button", name="表单").click()
    expect(field("应当命中", exact=True)).to_have_value("我们保证退款")
    page.set_viewport_size({"width": 320, "height": 700})
    no_sideways_scroll(page)


def test_a_new_rule_is_begun_in_a_form_and_taken_away(real: Running, page: Page) -> None:
    page.goto(f"{real.http}/desk")
    page.get_by_role("button", name="新建规则").click()
    begun = page.get_by_role("form", name="新建规则")
    begun.get_by_label("新规则的名称").fill("骂包装")
    begun.get_by_label("编号").fill("shop.packing")
    begun.get_by_label("新规则的类别").select_option("customer.complaint")
    begun.get_by_label("先写一句客户或坐席的话").fill("包得稀烂")
    page.keyboard.press("Enter")
    silent = page.get_by_label("不应命中")
    expect(silent).to_be_focused()
    expect(begun).to_be_hidden()
    expect(page.get_by_label("名称", exact=True)).to_have_value("骂包装")
    silent.fill("包得很好")
    silent.blur()
    state = page.locator(".editor > .facts")
    expect(state).to_have_text("检查通过，自带测试都过了")
    remove = page.get_by_role("button", name="删除这条规则")
    remove.click()
    page.get_by_role("button", name="确定删除？再点一次").click()
    expect(remove).to_be_disabled()
    expect(page.get_by_label("名称", exact=True)).to_have_value("擅自承诺")
    page.get_by_role("button", name="文本", exact=True).click()
    expect(page.get_by_label("规则文本")).to_have_value(pack())


def test_accounts_teams_and_places(real: Running, page: Page) -> None:
    page.goto(f"{real.http}/admin")
    teams = page.get_by_role("form", name="班组")
    teams.get_by_role("textbox").fill("夜班 = *\n甲组 = 宽带，账单")
    teams.get_by_role("button").click()
    expect(page.locator(".admin-state")).to_have_text("已保存")
    extensions = page.get_by_role("form", name="分机")
    extensions.get_by_role("textbox").fill("8001 w.li")
    extensions.get_by_role("button").click()
    expect(page.locator(".admin-state")).to_contain_text("这一行看不懂")
    extensions.get_by_role("textbox").fill("8001 = w.li")
    extensions.get_by_role("button").click()
    expect(page.locator(".admin-state")).to_have_text("已保存")
    page.reload()
    expect(teams.get_by_role("textbox")).to_have_value("夜班 = *\n甲组 = 宽带，账单")
    expect(extensions.get_by_role("textbox")).to_have_value("8001 = w.li")
    add = page.get_by_role("form", name="添加账号")
    add.get_by_label("用户名").fill("boss")
    add.get_by_label("身份").select_option("lead")
    add.get_by_label("密码").fill("long enough")
    add.get_by_role("button").click()
    # The first account has to be an administrator's; the page says so and keeps what was typed.
    expect(page.locator(".admin-state")).to_contain_text("administrator")
    expect(add.get_by_label("用户名")).to_have_value("boss")
    page.set_viewport_size({"width": 320, "height": 700})
    no_sideways_scroll(page)


def test_accounts_are_changed_and_removed(hall: Hall, visit: Open) -> None:
    user = {"user": "a-7", "name": "<b>甲</b>", "role": "agent", "teams": ["甲组"], "active": True}
    hall.rest |= {
        "GET /v1/users": [user], "PATCH /v1/users/a-7": user, "DELETE /v1/users/a-7": {},
        "GET /v1/queue-map": {"extensions": {}, "queues": {}},
    }  # fmt: skip
    page = visit("/admin", width=1280)
    expect(page.get_by_label("姓名 a-7")).to_have_value("<b>甲</b>")
    page.get_by_label("身份 a-7").select_option("lead")
    page.get_by_label("班组（逗号分开） a-7").fill("甲组, 乙组")
    page.get_by_label("启用 a-7").uncheck()
    page.locator('[data-user="a-7"]').get_by_role("button", name="保存").click()
    hall.wait(lambda: hall.sent("PATCH", "/v1/users/a-7"))
    wanted = {"name": "<b>甲</b>", "role": "lead", "teams": ["甲组", "乙组"], "active": False}
    assert hall.sent("PATCH", "/v1/users/a-7") == [wanted]
    remove = page.locator('[data-user="a-7"]').get_by_role("button", name="删除")
    remove.click()
    assert hall.sent("DELETE", "/v1/users/a-7") == []
    hall.rest["GET /v1/users"] = []
    page.get_by_role("button", name="确定").click()
    expect(page.locator("[data-user]")).to_have_count(0)


def test_rules_are_ordered_by_what_agents_made_of_them(hall: Hall, visit: Open) -> None:
    def rule(name: str, shown: int, used: int, wrong: int) -> dict[str, object]:
        return {
            "rule": name, "category": "agent.promise", "severity": "high", "title": f"<i>{name}",
            "pack": "core", "version": 1, "hits": shown, "shown": shown, "used": used,
            "dismissed": 0, "wrong": wrong, "said": 0,
        }  # fmt: skip

    hall.rest |= {
        "GET /v1/rules": [rule("a", 10, 2, 5), rule("b", 4, 3, 0), rule("c", 0, 0, 0)],
        "GET /v1/desk/packs": {"version": 0, "hash": "x", "packs": [], "drafts": []},
        "GET /v1/desk/versions": {"current": 0, "versions": []},
    }
    page = visit("/desk", width=1280)
    names = page.locator("tbody tr")
    expect(names).to_have_count(3)
    order = "all => all.map(one => one.dataset.rule).join()"
    assert names.evaluate_all(order) == "a,b,c"
    page.get_by_role("button", name="采用率").click()
    assert names.evaluate_all(order) == "b,a,c"
    expect(names.nth(1).locator("td").nth(3)).to_have_text("20%")
    page.get_by_role("button", name="否定率").click()
    assert names.evaluate_all(order) == "a,b,c"
    page.get_by_label("按规则、名称、类别筛选").fill("<I>C")
    expect(names).to_have_count(1)
