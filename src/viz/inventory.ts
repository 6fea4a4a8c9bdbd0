/** What there is in a cluster, whether a packet sees it or not: who can send, and what can be sent to. */
export interface Inventory {
  readonly nodes: readonly { readonly name: string; readonly zone?: string }[];
  readonly pods: readonly InventoryPod[];
  /** Services by the name that a pod anywhere can ask for: `web.shop`. */
  readonly services: readonly { readonly host: string; readonly port?: number }[];
}

export interface InventoryPod {
  /** Its network namespace: `shop/web-0`. */
  readonly name: string;
  readonly node: string;
  readonly address?: string;
  /** The first TCP port that it states. */
  readonly port?: number;
}

export const emptyInventory: Inventory = { nodes: [], pods: [], services: [] };
