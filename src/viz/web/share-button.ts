import { linkFragment } from "../link.ts";
import { el } from "./dom.ts";
import type { Store } from "./store.ts";

/** Makes a link to the step in sight, copies it, and says what is in it. */
export async function shareLink(store: Store): Promise<void> {
  const { request, cursor, grain } = store.state;
  if (!request) return;
  const { longLink, packFragment } = await import("../share.ts");
  const { file, text, beside, flow, probe, seed } = request;
  const packed = await packFragment({ files: [{ name: file, text }, ...beside] });
  const { theme } = document.documentElement.dataset;
  const fragment = linkFragment(packed, {
    step: cursor + 1,
    grain,
    flow,
    ...(probe && { probe }),
    ...(seed !== undefined && { seed }),
    ...((theme === "light" || theme === "dark") && { theme }),
  });
  history.replaceState(null, "", fragment);
  const copied = await copy(location.href);
  show(location.href, copied, longLink);
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

function show(link: string, copied: boolean, longLink: number): void {
  const text = el("input", { readonly: true, value: link, "aria-label": "Link" });
  const close = el("button", { type: "button", class: "primary" }, "Close");
  const length = link.length.toLocaleString("en");
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-label": "Share" },
    el("h2", {}, copied ? "Link copied" : "Copy this link"),
    text,
    el(
      "p",
      {},
      "The link itself holds your input, packed, behind the # sign. That part of an address is never sent to a server.",
      " Secrets, env and annotations are taken out first.",
    ),
    el("p", { class: "quiet" }, `${length} characters.`),
    link.length > longLink &&
      el(
        "p",
        { class: "failure" },
        `Some programs cut links above ${longLink.toLocaleString("en")} characters. Send the YAML as a file instead, or an HTML file made by kubehop trace -o html.`,
      ),
    close,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  text.select();
}
