import type { Owner } from "./records.ts";

/** `Service shop/web port http`, or just `kube-proxy` for a component. */
export function ownerName(owner: Owner): string {
  const name = owner.namespace === undefined ? owner.name : `${owner.namespace}/${owner.name}`;
  const object = owner.kind === "Component" ? name : `${owner.kind} ${name}`;
  return owner.detail === undefined ? object : `${object}, ${owner.detail}`;
}

/** ` (Service shop/web, port http)`, or nothing. */
export function inOwner(owner: Owner | undefined): string {
  return owner === undefined ? "" : ` (${ownerName(owner)})`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** `namespace/device` as `device of namespace`; a pod's namespace holds a slash itself. */
export function peerName(peer: string): { readonly namespace: string; readonly device: string } {
  const slash = peer.lastIndexOf("/");
  return { namespace: peer.slice(0, Math.max(slash, 0)), device: peer.slice(slash + 1) };
}
