import { linkFragment } from "../link.ts";
import { embeddable, offlineHtml, styleSheets } from "../offline-html.ts";
import { el } from "./dom.ts";
import { save } from "./export.ts";
import type { Store } from "./store.ts";

/** Makes a link to the step in sight, copies it, and says what is in it; what is too long for a link becomes a file. */
export async function shareLink(store: Store): Promise<void> {
  const { request, cursor, grain } = store.state;
  if (!request) return;
  const { longLink, longestLink, packFragment, withoutSecrets } = await import("../share.ts");
  const { file, text, beside, flow, probe, seed, pins } = request;
  const packed = await packFragment({ files: [{ name: file, text }, ...beside] });
  const { theme } = document.documentElement.dataset;
  const fragment = linkFragment(packed, {
    step: cursor + 1,
    grain,
    flow,
    ...(probe && { probe }),
    ...(seed !== undefined && { seed }),
    ...(pins && { pins }),
    ...((theme === "light" || theme === "dark") && { theme }),
  });
  const files = [{ name: file, text }, ...beside].map((one) => {
    const name = one.name.slice(one.name.lastIndexOf("/") + 1);
    return fileButton(`Save ${name}`, () => saveText(withoutSecrets(one.text), name, "text/yaml"));
  });
  const html = fileButton("Save a page that plays (HTML)", () => void saveHtml(store));
  const link = new URL(fragment, location.href).href;
  if (link.length > longestLink) {
    const length = link.length.toLocaleString("en");
    return show("Too much for a link", [
      el(
        "p",
        {},
        `A link to this would have ${length} characters, more than programs pass on. Send a file instead: who opens it here sees the same.`,
      ),
      el("p", { class: "file-buttons" }, ...files, html),
      el("p", { class: "quiet" }, "Secrets, env and annotations are taken out of the files first."),
    ]);
  }
  history.replaceState(null, "", fragment);
  const copied = await copy(link);
  const field = el("input", { readonly: true, value: link, "aria-label": "Link" });
  show(copied ? "Link copied" : "Copy this link", [
    field,
    el(
      "p",
      {},
      "The link itself holds your input, packed, behind the # sign. That part of an address is never sent to a server.",
      " Secrets, env and annotations are taken out first.",
    ),
    el("p", { class: "quiet" }, `${link.length.toLocaleString("en")} characters.`),
    ...(link.length > longLink
      ? [
          el(
            "p",
            { class: "failure" },
            `Some programs cut links above ${longLink.toLocaleString("en")} characters. A file is safe:`,
          ),
          el("p", { class: "file-buttons" }, ...files, html),
        ]
      : [el("p", { class: "file-buttons" }, html)]),
  ]);
  field.select();
}

/** Browsers may forbid it; then the dialog has the text. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function fileButton(label: string, run: () => void): HTMLElement {
  const button = el("button", { type: "button" }, label);
  button.addEventListener("click", run);
  return button;
}

function saveText(text: string, name: string, type: string): void {
  save(new Blob([text], { type }), name);
}

/** The same file as `kubehop trace -o html` writes, made of this page's own parts. */
async function saveHtml({ state: { loaded } }: Store): Promise<void> {
  if (!loaded) return;
  const read = async (path: string): Promise<string> => {
    const response = await fetch(new URL(path, document.baseURI));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.text();
  };
  const index = await read("./");
  const [player, ...styles] = await Promise.all(["player/player.js", ...styleSheets(index)].map(read));
  const script = embeddable(player ?? "");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script)));
  const scriptHash = btoa(String.fromCharCode(...digest));
  saveText(offlineHtml(loaded.trace, { index, styles, script, scriptHash }), "kubehop.html", "text/html");
}

function show(title: string, content: readonly Node[]): void {
  const close = el("button", { type: "button", class: "primary" }, "Close");
  const dialog = el("dialog", { class: "dialog", "aria-label": "Share" }, el("h2", {}, title), ...content, close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
