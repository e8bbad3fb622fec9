/**
 * A comparison as text for a terminal.
 */
import type { Comparison } from "../compare/index.js";
import {
  type Block,
  type Content,
  type List,
  type Mark,
  type Paragraph,
  type Span,
  spans,
  type Table,
} from "./document.js";
import { sections, title } from "./sections.js";

export interface TextOptions {
  /** Columns of the terminal. */
  readonly width?: number;
  readonly colour?: boolean;
}

const DEFAULT_WIDTH = 160;
/** Prose is not read at any width. */
const WIDEST_PROSE = 110;
/** What is told apart by blanks needs this many of them. */
const GAP = "  ";

export function comparisonText(comparison: Comparison, options: TextOptions = {}): string {
  const { width = DEFAULT_WIDTH, colour = false } = options;
  const paint = colour ? painted : plain;
  const parts = [paint({ text: title, mark: "strong" })];
  for (const section of sections(comparison)) {
    const heading = section.title.toUpperCase();
    const blocks = section.blocks.map((block) =>
      blockLines(block, width).map((line) => line.map(paint).join("")),
    );
    const text = blocks.map((lines) => lines.map((line) => line.trimEnd()).join("\n")).join("\n\n");
    parts.push(`${paint({ text: heading, mark: "strong" })}\n${text}`);
  }
  return parts.join("\n\n");
}

type Piece = string | Span;
type Line = readonly Piece[];

function blockLines(block: Block, width: number): Line[] {
  switch (block.kind) {
    case "table":
      return tableLines(block, width);
    case "list":
      return listLines(block, Math.min(width, WIDEST_PROSE));
    case "paragraph":
      return paragraphLines(block, Math.min(width, WIDEST_PROSE));
  }
}

function paragraphLines({ content }: Paragraph, width: number): Line[] {
  return wrap(content, width);
}

function listLines({ items }: List, width: number): Line[] {
  return items.flatMap(({ term, sentences }, index) => [
    ...(index === 0 ? [] : [[]]),
    ...wrap(term, width),
    ...sentences.flatMap((sentence) => indent(wrap(sentence, width - 4), "  - ", "    ")),
  ]);
}

function indent(lines: readonly Line[], first: string, others: string): Line[] {
  return lines.map((line, index) => [index === 0 ? first : others, ...line]);
}

/** A table that is too wide goes on below, with its labels again. */
function tableLines(table: Table, width: number): Line[] {
  const widths = columnWidths(table, width);
  const labels = table.columns.flatMap(({ label }, column) => (label ? [column] : []));
  const parts: number[][] = [];
  const wide = (columns: readonly number[]) =>
    columns.reduce((sum, column) => sum + widths[column]! + GAP.length, -GAP.length);
  for (const column of table.columns.keys()) {
    if (labels.includes(column)) continue;
    const last = parts.at(-1);
    if (last === undefined || wide([...last, column]) > width) parts.push([...labels, column]);
    else last.push(column);
  }
  return parts.flatMap((columns, index) => [
    ...(index === 0 ? [] : [[]]),
    ...partLines(table, columns, widths, Math.min(width, Math.max(wide(columns), WIDEST_PROSE))),
  ]);
}

function partLines(
  table: Table,
  columns: readonly number[],
  widths: readonly number[],
  width: number,
): Line[] {
  const rowLines = (contents: readonly Content[]) => {
    const wrapped = columns.map((column) => wrap(contents[column] ?? "", widths[column]!));
    const height = Math.max(...wrapped.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      columns.flatMap((column, index) => {
        const padded = pad(wrapped[index]![line] ?? [], widths[column]!, table.columns[column]!.align);
        return index === 0 ? padded : [GAP, ...padded];
      }),
    );
  };
  const heads = table.columns.map(({ head }): Content => [{ text: head, mark: "faint" }]);
  return [
    // The last lines of the heads in one row.
    ...rowLines(bottomAligned(heads)),
    ...table.rows.flatMap((row, index): Line[] => {
      if (row.kind === "cells") return rowLines(row.cells);
      if (row.kind === "note") return indent(wrap(row.content, width - 2), GAP, GAP);
      return [...(index === 0 ? [] : [[]]), ...wrap(row.content, width)];
    }),
  ];
}

function bottomAligned(heads: readonly Content[]): Content[] {
  const heights = heads.map((head) => lines(head).length);
  const height = Math.max(...heights);
  return heads.map((head, index) => ["\n".repeat(height - heights[index]!), ...spans(head)]);
}

/** As wide as what is in them; columns that wrap share what is left. */
function columnWidths({ columns, rows }: Table, width: number): number[] {
  const natural = columns.map(({ head }, column) => {
    const contents = rows.flatMap((row) => (row.kind === "cells" ? [row.cells[column] ?? ""] : []));
    return Math.max(...[head, ...contents].flatMap(lines).map(widthOf));
  });
  const wrapping = columns.filter((column) => column.wrap).length;
  if (wrapping === 0) return natural;
  const fixed = columns.reduce(
    (sum, column, index) => sum + GAP.length + (column.wrap ? 0 : natural[index]!),
    0,
  );
  const share = Math.max(24, Math.floor((width - fixed) / wrapping));
  return natural.map((one, index) => (columns[index]!.wrap ? Math.min(one, share) : one));
}

/** The lines that "\n" makes. */
function lines(content: Content): Line[] {
  const found: Piece[][] = [[]];
  for (const piece of spans(content)) {
    for (const [index, text] of textOf(piece).split("\n").entries()) {
      if (index > 0) found.push([]);
      if (text !== "") found.at(-1)!.push(withText(piece, text));
    }
  }
  return found;
}

/** Broken at blanks, so that no line is longer than this if no word is. */
function wrap(content: Content, width: number): Line[] {
  return lines(content).flatMap((line) => {
    if (widthOf(line) <= width) return [line];
    const broken: Piece[][] = [[]];
    let used = 0;
    for (const piece of line) {
      for (const word of textOf(piece).split(/(?<= )(?! )/)) {
        if (used > 0 && used + word.trimEnd().length > width) {
          broken.push([]);
          used = 0;
        }
        broken.at(-1)!.push(withText(piece, word));
        used += word.length;
      }
    }
    return broken;
  });
}

function pad(line: Line, width: number, align: "left" | "right"): Line {
  const blanks = " ".repeat(Math.max(0, width - widthOf(line)));
  return align === "left" ? [...line, blanks] : [blanks, ...line];
}

function widthOf(line: Line): number {
  return line.reduce((sum, piece) => sum + textOf(piece).length, 0);
}

function textOf(piece: Piece): string {
  return typeof piece === "string" ? piece : piece.text;
}

function withText(piece: Piece, text: string): Piece {
  return typeof piece === "string" ? text : { ...piece, text };
}

/** What a name might do to a terminal, it does not. */
function plain(piece: Piece): string {
  return textOf(piece).replace(/\p{Cc}/gu, "?");
}

const codes: Readonly<Record<Mark, string>> = {
  strong: "1",
  more: "31",
  less: "32",
  differs: "1;33",
  bad: "1;37;41",
  faint: "2",
};

function painted(piece: Piece): string {
  return typeof piece === "string" ? plain(piece) : `\x1b[${codes[piece.mark]}m${plain(piece)}\x1b[0m`;
}
