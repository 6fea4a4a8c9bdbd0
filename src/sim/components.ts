import { bridge } from "../cni/bridge/plugin.ts";
import type { CniPlugin } from "../cni/plugin.ts";
import { type NodeProxy, iptablesProxy, ipvsProxy } from "./proxies.ts";

/** The CNI plugins by the name that `--cni` takes. */
export const cniPlugins: Readonly<Record<string, CniPlugin>> = { bridge };

/** kube-proxy's modes by the name that `--proxy-mode` takes. */
export const proxies: Readonly<Record<string, NodeProxy>> = { iptables: iptablesProxy, ipvs: ipvsProxy };
