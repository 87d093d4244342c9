// A person at one browser, who does what is told on stdin and says what there is to see on stdout, a line of JSON each:
// {browser, executable, environment, flags} first, then {do, …} → {answer} or {error}. The browser ends with the input.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const IN_PAGE = await readFile(new URL("in_page.js", import.meta.url), "utf-8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LONG = 30_000; // ms that something may take to be seen

const tabs = [];
let browser;
let page; // the tab in front
let heard; // what was asked for and said in all tabs

// What only one kind of browser can do, or each in its own way

const CHROME = {
  hide: () => window("minimized"),
  show: () => window("normal"),
  offline: (isOffline) => page.setOfflineMode(isOffline),
  prefer: (scheme) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]),
};
const FIREFOX = {
  hide: async () => (await browser.newPage()).bringToFront(),
  show: () => page.bringToFront(),
};

async function window(windowState) {
  const session = await page.createCDPSession();
  const { windowId } = await session.send("Browser.getWindowForTarget");
  await session.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
}

// What a person does

const DEEDS = {
  /** Open an address in a tab of its own, in a browser `without` some globals, or that cannot read a `broken` file. */
  async open({ url, width = 1280, scheme = "light", without = [], broken = null, hasScripts = true }) {
    page = await browser.newPage();
    tabs.push(page);
    if (!hasScripts) await page.setJavaScriptEnabled(false);
    if (broken) await page.setRequestInterception(true);
    page.on("request", (request) => broken && (request.url().endsWith(broken) ? request.abort() : request.continue()));
    page.on("request", (request) => heard.requests.push(request.url()));
    page.on("console", (message) => heard.console.push(message.text()));
    page.on("pageerror", (error) => heard.errors.push(String(error)));
    await page.setViewport({ width, height: 800 });
    await (own.prefer?.(scheme));
    if (without.length) await page.evaluateOnNewDocument((names) => names.forEach((name) => { delete globalThis[name]; }), without);
    await page.goto(url);
  },
  turnTo: ({ tab }) => { page = tabs.at(tab); return page.bringToFront(); },
  hide: () => own.hide(),
  show: () => own.show(),
  offline: () => own.offline(true),
  online: () => own.offline(false),
  reload: () => page.reload(),
  leave: () => page.goto("about:blank"),
  back: () => page.goBack(),
  /** Press what has this id, as one does who has no mouse. */
  async press({ id }) {
    for (let stops = 0; stops < 20; stops++) {
      if ((await page.evaluate(seen)).focus === id) return page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
    }
    throw new Error(`no key leads to ${id}`);
  },
  resize: ({ width, scheme = "light" }) => Promise.all([page.setViewport({ width, height: 800 }), own.prefer?.(scheme)]),

  /** Wait until words stand where the run's state is told; return what else is seen. */
  async read({ words }) {
    const stands = (wanted) => document.getElementById("words").textContent.includes(wanted);
    await page.waitForFunction(stands, { timeout: LONG, polling: 20 }, words).catch(async (error) => {
      throw new Error(`${error.message}: not ${words}, but ${JSON.stringify(await page.evaluate(seen))}`);
    });
    return page.evaluate(seen);
  },
  seen: () => page.evaluate(seen),
  heard: () => heard,
  ask: ({ script }) => page.evaluate(script),
  async axe() {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: { type: "tag", values: tags }, iframes: false }), TAGS);
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
  },
  async sideways() {
    await page.evaluate(IN_PAGE);
    return page.evaluate(() => look.sideways());
  },
  shoot: ({ file }) => page.screenshot({ path: file, fullPage: true }),
};

/** All that is to be seen. */
function seen() {
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.innerText.trim();
  const texts = (selector) => [...document.querySelectorAll(selector)].filter(isSeen).map((one) => one.innerText);
  return {
    title: document.title,
    address: location.href,
    words: texts("#words, #detail, #hint, .note"),
    button: texts("button")[0] ?? null,
    progress: texts("#left")[0] ?? null,
    rows: texts("tbody tr"),
    offer: texts("details li, details p"),
    focus: document.activeElement.id || document.activeElement.localName,
  };
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (told) => console.log(JSON.stringify(told));
const asked = JSON.parse((await lines.next()).value);
const own = asked.browser === "chrome" ? CHROME : FIREFOX;
heard = { requests: [], console: [], errors: [] };
browser = await puppeteer.launch({
  browser: asked.browser,
  executablePath: asked.executable,
  args: asked.flags,
  env: { ...process.env, ...asked.environment },
});
try {
  say({ answer: await browser.version() });
  for await (const line of lines) {
    const { do: deed, ...argument } = JSON.parse(line);
    const done = (async () => DEEDS[deed](argument))();
    await done.then((answer) => say({ answer: answer ?? null }), (error) => say({ error: String(error.stack) }));
  }
} finally {
  await browser.close();
}
