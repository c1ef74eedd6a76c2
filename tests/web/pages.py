"""What several browser tests ask of a page."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, Request


def no_sideways_scroll(page: Page) -> None:
    """Neither the page nor any part of the elements is wider than its place."""
    wide = page.evaluate(
        """() => {
          const all = [document.scrollingElement]
          const inside = (root) => { for (const host of root.querySelectorAll('tingban-assist, tingban-board')) {
            all.push(...host.shadowRoot.querySelectorAll('.frame, .cards, .transcript, .rows, .board, .top'))
            inside(host.shadowRoot) } }
          inside(document)
          return all.filter((one) => one.scrollWidth > one.clientWidth)
            .map((one) => `${one.className || one.tagName} ${one.scrollWidth} > ${one.clientWidth}`)
        }"""
    )
    assert wide == []


def bytes_loaded(page: Page, address: str) -> dict[str, int]:
    """Goes there; bytes of each answer as they came over the line, by path."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("requestfinished", note)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.remove_listener("requestfinished", note)
    return {urlsplit(one.url).path: one.sizes()["responseBodySize"] for one in asked}
