"""What several browser tests ask of a page."""

from __future__ import annotations

from playwright.sync_api import Page


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
