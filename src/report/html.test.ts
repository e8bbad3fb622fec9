import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { doctored, onlyScenarios, onlyTargets, sample } from "./comparison.test-helper.js";
import { comparisonHtml } from "./html.js";
import { verdict } from "./verdict.js";

test("needs no network and no script", () => {
  const html = comparisonHtml(sample);
  const { document } = parseHTML(html);
  expect(document.querySelectorAll("script, link, img, iframe, object, embed")).toHaveLength(0);
  for (const element of document.querySelectorAll("[href]")) {
    expect(element.getAttribute("href")).toMatch(/^#/);
  }
  expect(document.querySelectorAll("[src]")).toHaveLength(0);
  expect(html).not.toMatch(/@import|url\(\s*["']?(?!#)/);
  const addresses = html.match(/https?:\/\/[^"'\s<]+/g) ?? [];
  expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
});

test("says what the terminal says, with the same verdict", () => {
  const { document } = parseHTML(comparisonHtml(sample));
  const headings = [...document.querySelectorAll("h2")].map(({ textContent }) => textContent);
  // Plots have no headings of their own.
  expect(headings).toEqual([
    "The run",
    "Time",
    "Behaviour",
    "Ledger",
    "Who has to know handle_userfault()",
    "Verdict",
  ]);
  const sentences = [...document.querySelectorAll("dd")].map(({ textContent }) => textContent);
  expect(sentences).toEqual(verdict(sample).flatMap((answer) => answer.sentences));
});

test("has a plot of times, of ratios, of the ledger and of the compiled kernel, each with a name", () => {
  const { document } = parseHTML(comparisonHtml(sample));
  const plots = [...document.querySelectorAll("svg.plot")];
  expect(plots.map((plot) => plot.getAttribute("aria-label"))).toEqual([
    expect.stringContaining("Nanoseconds per page touched"),
    expect.stringContaining("ratio to in-fault"),
    expect.stringContaining("Ledger entries per fault"),
    expect.stringContaining("Instructions per fault"),
  ]);
  for (const plot of plots) expect(plot.getAttribute("role")).toBe("img");
  expect(document.querySelectorAll("figure.drawing > figcaption")).toHaveLength(4);
  const titles = [...document.querySelectorAll("svg title")].map(({ textContent }) => textContent);
  expect(titles).toContain("minor-hit read shared, kernel: 6000 ns (5990–6020)");
  expect(titles).toContain("minor-miss write shared, SMP, lookup-first: +221 of 3956 (+5.6 %)");
});

test("plots are left out where there is nothing to draw", () => {
  const count = (comparison: typeof sample) =>
    parseHTML(comparisonHtml(comparison)).document.querySelectorAll("svg.plot").length;
  expect(count(onlyScenarios("past-the-end"))).toBe(0);
  expect(count(onlyTargets("kernel"))).toBe(1);
  expect(count(onlyTargets("in-fault"))).toBe(1);
  expect(count(doctored((cell) => (cell.target === "in-fault" ? undefined : { ...cell, ratio: null })))).toBe(
    3,
  );
});

test("tables are tables", () => {
  const { document } = parseHTML(comparisonHtml(sample));
  const tables = [...document.querySelectorAll("table")];
  expect(tables.length).toBeGreaterThan(4);
  for (const table of tables) {
    expect(table.querySelector("caption")?.textContent).not.toBe("");
    expect(table.querySelectorAll('thead th[scope="col"]').length).toBeGreaterThan(1);
    expect(table.querySelectorAll('tbody th[scope="row"]').length).toBeGreaterThan(0);
  }
});

test("text is text", () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  // The last of them is one that stands out.
  const outcome = doctored((cell) =>
    cell.outcome === "the thread sleeps" ? { ...cell, outcome: evil } : cell,
  );
  const comparison = {
    ...outcome,
    memory: { ...sample.memory, file: evil },
    kernel: { release: evil, userfaultfd: false, why: evil, mend: evil },
  };
  const html = comparisonHtml(comparison);
  expect(html).not.toContain("<img");
  expect(html.split("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;")).toHaveLength(7);
});

test("wrong bytes stand out", () => {
  const wrong = doctored((cell) => (cell.target === "kernel" ? { ...cell, verified: false } : cell));
  const { document } = parseHTML(comparisonHtml(wrong));
  expect(document.querySelector("#run .bad")?.textContent).toContain("WRONG BYTES");
  expect(document.querySelectorAll("#time td .bad").length).toBeGreaterThan(0);
  expect(parseHTML(comparisonHtml(sample)).document.querySelector(".bad")).toBeNull();
});
