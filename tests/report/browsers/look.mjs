// Look at reports in one browser, as people do who use it; what is asked comes as JSON on stdin, what was seen goes to stdout:
// {browser, executable, environment, flags, pages: {name: file}, screenshots} → {version, pages: {name: {…}}}.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import puppeteer from "puppeteer-core";
import { astray, walk } from "./keyboard.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const IN_PAGE = await readFile(new URL("in_page.js", import.meta.url), "utf-8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
const [PHONE, PAPER, ZOOMED, DESKTOP] = [390, 718, 640, 1280]; // px: A4 within its margins; a desktop's window at 200 %
const STRICT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const NOTHING_LEFT_OUT = "* { content-visibility: visible !important }"; // also what is far below is laid out

/** Serve *files* by name, and below /strict/ under a policy that allows neither a script nor a request. */
async function serve(files) {
  const server = createServer(async ({ url }, response) => {
    const [name, ...rest] = url.slice(1).split("/").reverse();
    if (!(name in files)) return response.writeHead(404).end();
    const policy = rest[0] === "strict" ? { "content-security-policy": STRICT } : {};
    response.writeHead(200, { "content-type": "text/html", ...policy }).end(await readFile(files[name]));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { root: `http://127.0.0.1:${server.address().port}`, end: () => server.close() };
}

// Browsers: Firefox takes the colours it prefers when it starts, Chromium from page to page.

const FLAVOURS = {
  chrome: {
    schemes: { light: {}, dark: {} },
    prefer: (page, scheme) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]),
    print: (page) => page.emulateMediaType("print"),
  },
  firefox: {
    schemes: { light: preferring(1), dark: preferring(0) },
    prefer: async () => {},
    print: (page) => page.evaluate(() => look.asOnPaper()),
  },
};

function preferring(scheme) {
  return { extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": scheme } };
}

/** Call *use* with a browser that prefers a colour scheme, and end the browser whatever comes. */
async function withBrowser({ browser, executable, environment, flags }, scheme, use) {
  const options = FLAVOURS[browser].schemes[scheme];
  const env = { ...process.env, ...environment };
  const started = await puppeteer.launch({ browser, executablePath: executable, args: flags, env, ...options });
  try {
    return await use(started);
  } finally {
    await started.close();
  }
}

// One page

/** Open *url* in a tab of its own, *width* wide, with what the look asks; return it and what it said and asked for. */
async function open(started, { browser }, scheme, url, width) {
  const page = await started.newPage();
  const heard = { requests: [], console: [], errors: [] };
  page.on("request", (request) => heard.requests.push(request.url()));
  page.on("console", (message) => heard.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => heard.errors.push(String(error)));
  await page.evaluateOnNewDocument(() => {
    globalThis.forbidden = [];
    addEventListener("securitypolicyviolation", (event) => forbidden.push(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  await resize(page, width);
  await FLAVOURS[browser].prefer(page, scheme);
  await page.goto(url, { waitUntil: "load" });
  await page.evaluate(IN_PAGE);
  return [page, heard];
}

const resize = (page, width) => page.setViewport({ width, height: 900 });
const sideways = (page) => page.evaluate(() => look.sideways());
const fold = (page, isOpen) => page.evaluate((one) => look.fold(one), isOpen);

/** All that is seen where light colours are preferred. */
async function inLight(started, asked, url) {
  const [page, heard] = await open(started, asked, "light", url, DESKTOP);
  const seen = { url, ...heard, paint: await page.evaluate(firstPaint), sections: await page.evaluate(() => look.sections()) };
  seen.keyboard = await walk(page);
  seen.keyboard.astray = await astray(page, seen.keyboard.stops);
  seen.words = await page.evaluate(words);
  await fold(page, true);
  seen.light = await colours(page);
  await page.addStyleTag({ content: NOTHING_LEFT_OUT });
  seen.widths = await atWidths(page);
  seen.growth = await page.evaluate(() => look.growth());
  seen.widths["letters twice as large"] = await sideways(page);
  seen.paper = await onPaper(page, asked);
  await page.close();
  return seen;
}

/** When the first words or pictures were drawn, in ms from the start of the navigation. */
function firstPaint() {
  const isIt = ({ name }) => name === "first-contentful-paint";
  return new Promise((resolve) => {
    const seen = (list) => list.getEntries().filter(isIt).forEach(({ startTime }) => resolve(startTime));
    new PerformanceObserver(seen).observe({ type: "paint", buffered: true });
  });
}

/** What sticks out in windows of all widths, folded and unfolded. */
async function atWidths(page) {
  const seen = {};
  for (const isOpen of [false, true]) {
    await fold(page, isOpen);
    for (const width of [PHONE, ZOOMED, DESKTOP]) {
      await resize(page, width);
      seen[`${width} px${isOpen ? ", unfolded" : ""}`] = await sideways(page);
    }
  }
  return seen;
}

async function onPaper(page, { browser }) {
  await page.reload();
  await page.evaluate(IN_PAGE);
  await resize(page, PAPER);
  await FLAVOURS[browser].print(page);
  return page.evaluate(() => look.unprinted());
}

/** What axe-core and we ourselves have against the colours and the structure, unfolded. */
async function colours(page) {
  await page.evaluate(AXE);
  const run = (tags) => axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  const { violations } = await page.evaluate(run, TAGS);
  const isDark = await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches);
  return { isDark, violations: violations.flatMap(told), faint: await page.evaluate(() => look.faint()) };
}

const told = ({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`);

/** What is seen where dark colours are preferred, by a phone. */
async function inDark(started, asked, url) {
  const [page] = await open(started, asked, "dark", url, PHONE);
  await fold(page, true);
  const seen = await colours(page);
  await page.close();
  return seen;
}

const words = () => document.body.textContent;

/** The words of a page that may run no script and ask for nothing, and what it tried all the same. */
async function forbidden(started, asked, url) {
  const [page] = await open(started, asked, "light", url, DESKTOP);
  const seen = { words: await page.evaluate(words), tried: await page.evaluate(() => forbidden) };
  await page.close();
  return seen;
}

// Screenshots, for a person: one of each section, since a browser has a highest picture

async function photograph(started, asked, scheme, url, name) {
  if (!asked.screenshots) return;
  for (const width of [PHONE, DESKTOP]) {
    const [page] = await open(started, asked, scheme, url, width);
    await page.addStyleTag({ content: NOTHING_LEFT_OUT });
    for (const part of await page.$$("header, main section[id]")) {
      const id = await part.evaluate((one) => one.id || one.localName);
      await part.screenshot({ path: join(asked.screenshots, `${name}-${id}-${width}-${scheme}-${asked.browser}.png`) });
    }
    await page.close();
  }
}

// All of it

async function look(asked) {
  const server = await serve(asked.pages);
  const names = Object.keys(asked.pages);
  const inScheme = (scheme, see) =>
    withBrowser(asked, scheme, async (started) => {
      const seen = { version: await started.version(), pages: {} };
      for (const name of names) {
        seen.pages[name] = await see(started, name);
        await photograph(started, asked, scheme, `${server.root}/${name}`, name);
      }
      return seen;
    });
  try {
    const [light, dark] = await Promise.all([
      inScheme("light", async (started, name) => ({
        ...(await inLight(started, asked, `${server.root}/${name}`)),
        strict: await forbidden(started, asked, `${server.root}/strict/${name}`),
      })),
      inScheme("dark", (started, name) => inDark(started, asked, `${server.root}/${name}`)),
    ]);
    for (const name of names) light.pages[name].dark = dark.pages[name];
    return light;
  } finally {
    server.end();
  }
}

console.log(JSON.stringify(await look(JSON.parse(await text(process.stdin)))));
