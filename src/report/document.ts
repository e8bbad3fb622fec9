/**
 * A report, before it is text or HTML: what is said, once for both.
 */

/** What stands out. The words say it, too: where there is no colour, nothing is lost. */
export type Mark = "strong" | "more" | "less" | "differs" | "bad" | "faint";

export interface Span {
  readonly text: string;
  readonly mark: Mark;
}

/** Text in pieces; "\n" breaks the line. */
export type Content = string | readonly (string | Span)[];

export interface Column {
  readonly head: string;
  readonly align: "left" | "right";
  /** Says what a row is. Repeated where a table is too wide and goes on below. */
  readonly label?: true;
  /** Longer than a line: broken between words. */
  readonly wrap?: true;
}

export type TableRow =
  | { readonly kind: "cells"; readonly cells: readonly Content[] }
  /** Over all columns: what the rows below have in common. */
  | { readonly kind: "heading"; readonly content: Content }
  /** Over all columns: something about the row above. */
  | { readonly kind: "note"; readonly content: Content };

export interface Table {
  readonly kind: "table";
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly TableRow[];
}

export interface Paragraph {
  readonly kind: "paragraph";
  readonly content: Content;
}

export interface List {
  readonly kind: "list";
  readonly items: readonly { readonly term: Content; readonly sentences: readonly Content[] }[];
}

export type Block = Table | Paragraph | List;

export interface Section {
  readonly id: "run" | "time" | "behaviour" | "ledger" | "layering" | "verdict";
  readonly title: string;
  readonly blocks: readonly Block[];
}

export function span(mark: Mark, text: string): Span {
  return { text, mark };
}

export function paragraph(...content: readonly (string | Span)[]): Paragraph {
  return { kind: "paragraph", content };
}

export function cells(...contents: readonly Content[]): TableRow {
  return { kind: "cells", cells: contents };
}

export function spans(content: Content): readonly (string | Span)[] {
  return typeof content === "string" ? [content] : content;
}
