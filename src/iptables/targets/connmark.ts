/** `-j CONNMARK`: copies between the packet's mark and the connection's, or sets the latter. */
export type ConnmarkTarget =
  | { readonly kind: "CONNMARK"; readonly action: "set"; readonly value: number; readonly mask: number }
  | {
      readonly kind: "CONNMARK";
      readonly action: "save" | "restore";
      readonly nfMask: number;
      readonly ctMask: number;
    };
