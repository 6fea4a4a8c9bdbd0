/** `-m physdev`: the bridge ports of a bridged packet. A flag holds whether it is inverted. */
export interface PhysdevMatch {
  readonly kind: "physdev";
  readonly in?: { readonly name: string; readonly inverted: boolean };
  readonly isIn?: { readonly inverted: boolean };
  readonly out?: { readonly name: string; readonly inverted: boolean };
  readonly isOut?: { readonly inverted: boolean };
  readonly isBridged?: { readonly inverted: boolean };
}
