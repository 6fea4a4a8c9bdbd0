import type { Inventory, InventoryPod } from "../inventory.ts";
import { el } from "./dom.ts";
import type { Store } from "./store.ts";

type Tool = "curl" | "dig" | "ping" | "tcp" | "udp";

/** What can be sent, and how its command is written. */
const tools: Readonly<Record<Tool, (host: string, port: number | undefined) => string>> = {
  curl: (host, port) => `curl http://${bracketed(host)}${port === undefined || port === 80 ? "" : `:${port}`}`,
  dig: (host) => `dig ${host}`,
  ping: (host) => `ping ${host}`,
  tcp: (host, port) => `tcp ${bracketed(host)}:${port ?? 80}`,
  udp: (host, port) => `udp ${bracketed(host)}:${port ?? 53}`,
};

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** The command that `tool` needs to reach a pod of the inventory. */
function toPod(tool: Tool, pod: InventoryPod): string {
  const { address = pod.name, port, name } = pod;
  if (tool !== "dig") return tools[tool](address, port);
  const [namespace] = name.split("/", 1);
  return `dig ${address.replaceAll(/[.:]/g, "-")}.${namespace}.pod.cluster.local`;
}

/** Who sends, what, and to whom: by hand, from lists, or by clicking one pod and then another on the stage. */
export function sendPanel(
  store: Store,
  send: (from: string, run: string) => void,
): { readonly form: HTMLElement; readonly show: (from: string, run: string) => void } {
  const from = el("input", { id: "from", list: "senders", autocomplete: "off", spellcheck: "false" });
  const command = el("input", {
    id: "command",
    "aria-label": "Command",
    list: "commands",
    autocomplete: "off",
    spellcheck: "false",
  });
  const tool = el(
    "select",
    { id: "tool", "aria-label": "What to send" },
    ...Object.keys(tools).map((name) => el("option", {}, name)),
  );
  const senders = el("datalist", { id: "senders" });
  const commands = el("datalist", { id: "commands" });
  const form = el(
    "form",
    { class: "send", id: "send" },
    el("label", { for: "from" }, "From"),
    from,
    tool,
    command,
    el("button", { class: "primary" }, "Run"),
    senders,
    commands,
  );
  const offer = (inventory: Inventory): void => {
    const chosen = tool.value as Tool;
    const { pods, services, nodes } = inventory;
    senders.replaceChildren(
      ...pods.map(({ name }) => el("option", { value: senderName(name) })),
      ...nodes.map(({ name }) => el("option", { value: `node/${name}` })),
      el("option", { value: "external" }),
    );
    commands.replaceChildren(
      ...services.map(({ host, port }) => el("option", { value: tools[chosen](host, port) })),
      ...pods.map((pod) => el("option", { value: toPod(chosen, pod) }, pod.name)),
    );
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(from.value.trim(), command.value.trim());
  });
  tool.addEventListener("change", () => {
    const { loaded } = store.state;
    if (loaded) offer(loaded.inventory);
    const host = targetOf(command.value);
    if (host !== undefined) command.value = tools[tool.value as Tool](host.name, host.port);
  });
  store.listen((state, before) => {
    const { loaded, picked } = state;
    if (loaded && loaded.inventory !== before.loaded?.inventory) offer(loaded.inventory);
    if (picked === before.picked || picked.length === 0) return;
    const [sender, receiver] = picked;
    if (sender !== undefined) from.value = senderName(sender);
    const pod = loaded?.inventory.pods.find(({ name }) => name === receiver);
    if (pod === undefined) return;
    command.value = toPod(tool.value as Tool, pod);
    store.update({ picked: [] });
    send(from.value, command.value);
  });
  let shown = "";
  const show = (sender: string, run: string): void => {
    // The same call again, after an edit of something else: what stands here may be half written.
    if (shown === `${sender} ${run}`) return;
    shown = `${sender} ${run}`;
    from.value = sender;
    command.value = run;
    const word = run.split(" ", 1)[0] ?? "";
    if (Object.hasOwn(tools, word)) tool.value = word;
  };
  return { form, show };
}

/** The namespace of a pod as a sender is written: `shop/pod/client`. */
function senderName(namespace: string): string {
  return namespace.replace("/", "/pod/");
}

/** The host, and the port where there is one, that a command names. */
function targetOf(command: string): { readonly name: string; readonly port: number | undefined } | undefined {
  const target = command.trim().split(/\s+/).at(-1);
  const found = /^(?:https?:\/\/)?(\[[^\]]+\]|[^/:]+)(?::(\d+))?/.exec(target ?? "");
  if (found?.[1] === undefined) return undefined;
  const port = found[2] === undefined ? undefined : Number(found[2]);
  return { name: found[1].replace(/^\[|\]$/g, ""), port };
}
