import type { DnsPlugin } from "../coredns/plugin.ts";
import { autopath } from "./autopath.ts";
import { cache } from "./cache.ts";
import { file } from "./file.ts";
import { forward } from "./forward.ts";
import { hosts } from "./hosts.ts";
import { kubernetes } from "./kubernetes/kubernetes.ts";
import { loadbalance } from "./loadbalance.ts";
import { passive } from "./passive.ts";
import { rewrite } from "./rewrite.ts";
import { template } from "./template.ts";
import { unmodelledPlugins } from "./unmodelled.ts";

const modelled: readonly DnsPlugin[] = [
  autopath,
  cache,
  file,
  forward,
  hosts,
  kubernetes,
  loadbalance,
  rewrite,
  template,
  ...passive,
];

/** Every plugin of CoreDNS by name. A new one is a file here and a line above; plugin.cfg's order is in order.ts. */
export const dnsPlugins: ReadonlyMap<string, DnsPlugin> = new Map(
  [...modelled, ...unmodelledPlugins(modelled)].map((plugin) => [plugin.name, plugin]),
);
