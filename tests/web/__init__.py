"""The browser side: reducers under node, elements in a real Chromium."""
