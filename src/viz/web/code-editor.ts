import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { complete } from "./completions.ts";
import type { Editor, EditorEvents } from "./editor.ts";

/** The colours are the page's own custom properties, so that light and dark need nothing here. */
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--delivered)" },
  { tag: [tags.string, tags.attributeValue], color: "var(--ink)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.meta, tags.separator], color: "var(--unknown)" },
]);

const setOrigin = StateEffect.define<number | undefined>();
const originLine = Decoration.line({ class: "cm-origin" });

/** The line that the current step comes from. */
const originField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(lines, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setOrigin)) continue;
      const { value } = effect;
      const { doc } = transaction.state;
      if (value === undefined || value > doc.lines) return Decoration.none;
      return Decoration.set([originLine.range(doc.line(value).from)]);
    }
    return lines.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--raised)", fontSize: "12.5px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.45" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--ink-soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  ".cm-origin": { backgroundColor: "color-mix(in srgb, var(--rewritten) 22%, transparent)" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-placeholder": { color: "var(--ink-soft)" },
  // The library draws these as data: images, which the page's policy does not let pass.
  ".cm-lint-marker-error": { content: "normal", borderRadius: "50%", backgroundColor: "var(--dropped)" },
  ".cm-lint-marker-warning": { content: "normal", transform: "rotate(45deg)", backgroundColor: "var(--rewritten)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline dotted var(--rewritten)" },
  ".cm-lint-marker": { width: "0.7em", height: "0.7em", margin: "0.3em auto" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--dropped)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-tone)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line-strong)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--accent) 28%, transparent)",
  },
});

/**
 * The editor with line numbers, folding, colours and marks at lines. It lives in a shadow root: there its style sheets
 * are objects, which the page's Content-Security-Policy lets pass.
 */
export function codeEditor(text: string, caret: number, { onEdit, onLine }: EditorEvents): Editor {
  let silent = false;
  const element = document.createElement("div");
  element.className = "code-editor";
  const root = element.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      selection: { anchor: Math.min(caret, text.length) },
      extensions: [
        lineNumbers(),
        lintGutter(),
        foldGutter(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        indentUnit.of("  "),
        yaml(),
        autocompletion({ override: [complete], icons: false }),
        syntaxHighlighting(colours),
        originField,
        look,
        placeholder("Paste a scenario or manifests. It stays on this machine."),
        EditorView.contentAttributes.of({ "aria-label": "Scenario and manifests", id: "yaml" }),
        keymap.of([
          ...completionKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...foldKeymap,
          leaveOnEscape,
          tabWhileTyping,
        ]),
        replaceSelections,
        typingField,
        typingEnds,
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !silent) onEdit();
          if (update.selectionSet) onLine(update.state.doc.lineAt(update.state.selection.main.head).number);
        }),
      ],
    }),
  });
  // What scrolls can be reached by the keyboard.
  view.scrollDOM.tabIndex = 0;
  return {
    element,
    get text(): string {
      return view.state.doc.toString();
    },
    set text(next: string) {
      silent = true;
      view.dispatch({ changes: changeBetween(view.state.doc.toString(), next) });
      silent = false;
    },
    focus: () => view.focus(),
    goTo(target) {
      const line = view.state.doc.line(Math.min(Math.max(1, target), view.state.doc.lines));
      view.dispatch({
        selection: { anchor: line.from },
        effects: EditorView.scrollIntoView(line.from, { y: "center" }),
      });
      view.focus();
    },
    mark(line) {
      const { doc } = view.state;
      const known = line !== undefined && line <= doc.lines;
      view.dispatch({
        effects: known
          ? [setOrigin.of(line), EditorView.scrollIntoView(doc.line(line).from, { y: "nearest", yMargin: 40 })]
          : [setOrigin.of(undefined)],
      });
    },
    problems(problems) {
      const { doc } = view.state;
      const diagnostics = problems.map(({ line, column, code, message, severity = "error" }): Diagnostic => {
        const at = doc.line(Math.min(Math.max(1, line), doc.lines));
        const from = Math.min(at.from + column - 1, at.to);
        return { from, to: Math.max(from, at.to), severity, source: code, message };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
  };
}

/** The part in which two texts differ: around it the caret and the lines in sight stay. */
function changeBetween(old: string, next: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(old.length, next.length);
  let from = 0;
  while (from < shorter && old[from] === next[from]) from++;
  let end = 0;
  while (end < shorter - from && old[old.length - 1 - end] === next[next.length - 1 - end]) end++;
  return { from, to: old.length - end, insert: next.slice(from, next.length - end) };
}

/**
 * Typing over a selection: left to itself, Chromium keeps the look of what was there in a style attribute, which the
 * page's Content-Security-Policy refuses aloud.
 */
const replaceSelections = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data, isComposing, inputType } = event;
    if (isComposing || view.state.selection.main.empty || !/^(?:insert|delete)/.test(inputType)) return false;
    if (data === null && inputType.startsWith("insert")) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(data ?? ""), {
      userEvent: data === null ? "delete.selection" : "input.type",
      scrollIntoView: true,
    });
    return true;
  },
});

/** Whether somebody has typed since the editor got the focus. */
const setTyping = StateEffect.define<boolean>();
const typingField = StateField.define<boolean>({
  create: () => false,
  update(typing, transaction) {
    for (const effect of transaction.effects) if (effect.is(setTyping)) return effect.value;
    return typing || transaction.isUserEvent("input");
  },
});
const typingEnds = EditorView.focusChangeEffect.of((_, focusing) => (focusing ? setTyping.of(false) : null));

/** Tab indents while somebody writes, and else goes on: who only walks through the page is never caught. */
const tabWhileTyping = {
  key: "Tab",
  run: (view: EditorView): boolean => view.state.field(typingField) && indentMore(view),
  shift: (view: EditorView): boolean => view.state.field(typingField) && indentLess(view),
};

/** While somebody writes, Escape and then Tab leaves. */
const leaveOnEscape = {
  key: "Escape",
  run: (view: EditorView): boolean => {
    view.contentDOM.blur();
    return true;
  },
};
