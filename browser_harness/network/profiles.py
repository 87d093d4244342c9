"""Networks by the names and figures of those who use them; none is ours."""

from collections.abc import Mapping

from browser_harness.network.conditions import Conditions

LIGHTHOUSE = "GoogleChrome/lighthouse core/config/constants.js"
DEVTOOLS = "devtools-frontend NetworkManager.ts, its targets"
WEBPAGETEST = "catchpoint/WebPageTest www/settings/connectivity.ini.sample"
RUSSELL = 'Alex Russell, "The Performance Inequality Gap, 2026", the 75th percentile'


def _profile(name: str, milliseconds: float, down: float, up: float, source: str) -> Conditions:
    """Return a profile whose rates are in kbit/s."""
    return Conditions(name, milliseconds / 1e3, down * 1e3, up * 1e3, source)


PROFILES: Mapping[str, Conditions] = {
    profile.name: profile
    for profile in (
        _profile("lighthouse-slow-4g", 150, 1.6 * 1024, 750, f"{LIGHTHOUSE}: mobileSlow4G, its default"),
        _profile("lighthouse-regular-3g", 300, 700, 700, f"{LIGHTHOUSE}: mobileRegular3G"),
        _profile("lighthouse-dense-4g", 40, 10 * 1024, 10 * 1024, f"{LIGHTHOUSE}: desktopDense4G"),
        _profile("devtools-3g", 400, 500, 500, f"{DEVTOOLS}: 3G"),
        _profile("devtools-slow-4g", 150, 1600, 750, f"{DEVTOOLS}: Slow 4G"),
        _profile("devtools-fast-4g", 60, 9000, 1500, f"{DEVTOOLS}: Fast 4G"),
        _profile("cable", 28, 5000, 1000, f"{WEBPAGETEST}: Cable"),
        _profile("dsl", 50, 1500, 384, f"{WEBPAGETEST}: DSL"),
        _profile("fios", 4, 20000, 5000, f"{WEBPAGETEST}: FIOS"),
        _profile("wpt-3g", 300, 1600, 768, f"{WEBPAGETEST}: 3G"),
        _profile("wpt-3g-fast", 150, 1600, 768, f"{WEBPAGETEST}: 3GFast"),
        _profile("wpt-3g-slow", 200, 780, 330, f"{WEBPAGETEST}: 3GSlow"),
        _profile("p75-2026", 100, 9000, 3000, RUSSELL),
    )
}
