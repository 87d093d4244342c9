"""The page that runs models in Chromium: its files, its server, its launch, and the set-up of all three.

``python -m browser_harness`` installs what the page loads and makes sure that there is a browser.
"""
