import type { InputFiles, SettingValue } from "../../scenario/edit.ts";
import type { SharedFile } from "../share.ts";
import type { Editor } from "./editor.ts";
import type { Runner } from "./runner.ts";
import type { Opening, Request, Store } from "./store.ts";

/** Rest after the last key before an edit is run, milliseconds. */
const editMillis = 150;
/** A larger text is kept beside the editor: no editor makes it pleasant to change, UTF-16 units. */
export const mostShown = 3_000_000;

/** What a setting was before it was changed here. */
export interface SettingChange {
  readonly label: string;
  readonly path: readonly [string, string];
  /** Undefined: nobody had said. */
  readonly before: SettingValue | undefined;
}

/** What can be said to a run beside the input. */
type RunOptions = Opening & Pick<Request, "seed" | "pins" | "whole"> & { readonly flow?: number };

/** The input of the page: its files, what is sent through them, and what was changed by hand of form. */
export class Source {
  readonly #store: Store;
  readonly #runner: Runner;
  readonly #flow: HTMLSelectElement;
  editor: Editor;
  file: string;
  beside: readonly SharedFile[] = [];
  probe: { readonly from: string; readonly run: string } | undefined;
  /** Settings changed by form since the input was opened, the last one last. */
  changes: readonly SettingChange[] = [];
  #timer = 0;
  /** The text where it is too long for the editor. */
  #long: string | undefined;

  constructor(store: Store, runner: Runner, editor: Editor, flow: HTMLSelectElement, file: string) {
    this.#store = store;
    this.#runner = runner;
    this.#flow = flow;
    this.editor = editor;
    this.file = file;
  }

  get text(): string {
    return this.#long ?? this.editor.text;
  }

  /** The length of a text that the editor does not show. */
  get hiddenLength(): number | undefined {
    return this.#long?.length;
  }

  /** Takes another input: what was sent through the one before has no meaning here. */
  take(name: string, text: string, others: readonly SharedFile[] = []): void {
    this.file = name;
    this.beside = others;
    this.probe = undefined;
    this.changes = [];
    this.#show(text);
    this.#flow.replaceChildren();
    this.#store.update({ request: undefined });
  }

  #show(text: string): void {
    this.#long = text.length > mostShown ? text : undefined;
    this.editor.text = this.#long === undefined ? text : "";
  }

  edited(): void {
    this.#long = undefined;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.run(), editMillis);
  }

  /** Runs the input as it is; what was drawn or pinned before stays so. */
  run({ flow, seed, pins, whole, ...opening }: RunOptions = {}): void {
    clearTimeout(this.#timer);
    if (this.text.trim() === "") return this.#runner.clear();
    const { request: before } = this.#store.state;
    const { probe, file, text, beside } = this;
    const kept = { seed: seed ?? before?.seed, pins: pins ?? before?.pins, whole: whole ?? before?.whole };
    const chosen = flow ?? Math.max(0, this.#flow.selectedIndex);
    this.#runner.run({ file, text, beside, flow: chosen, ...(probe && { probe }), ...withoutAbsent(kept) }, opening);
  }

  /** Where nothing is said yet, the input's own flow is sent, or what can be tried first. */
  send(from: string, run: string): void {
    this.probe = from === "" || run === "" ? undefined : { from, run };
    this.run();
  }

  /** Another flow of the scenario. */
  runFlow(): void {
    this.probe = undefined;
    this.run();
  }

  /**
   * Writes a setting into the text: it can be seen there, is undone like any edit, and goes along in links. Returns
   * what is wrong, if it cannot be written.
   */
  async set(
    path: readonly [string, string],
    value: SettingValue | undefined,
    change?: Omit<SettingChange, "path">,
  ): Promise<string | undefined> {
    const { withSetting } = await import("../../scenario/edit.ts");
    const { loaded, request } = this.#store.state;
    const probe = loaded?.trace.probe ?? { from: "", run: "" };
    const edited = withSetting(this, path, value, probe);
    if ("problem" in edited) return edited.problem;
    this.#adopt(edited);
    if (change) this.changes = [...this.changes, { ...change, path }];
    // The seed of the scenario counts again, where it is the seed that was changed.
    if (path[1] === "seed" && request) this.#store.update({ request: without(request, "seed") });
    this.run();
    return undefined;
  }

  /** Takes back the last setting changed by form. */
  async undo(): Promise<void> {
    const last = this.changes.at(-1);
    if (last === undefined) return;
    this.changes = this.changes.slice(0, -1);
    await this.set(last.path, last.before);
  }

  #adopt({ file, text, beside }: InputFiles): void {
    this.file = file;
    this.beside = beside;
    this.#show(text);
  }
}

function without<K extends keyof Request>(request: Request, key: K): Omit<Request, K> & Request {
  const { [key]: _, ...rest } = request;
  return rest as Omit<Request, K> & Request;
}

type Kept = Pick<Request, "seed" | "pins" | "whole">;

function withoutAbsent(kept: { readonly [K in keyof Kept]: Kept[K] | undefined }): Kept {
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as Kept;
}
