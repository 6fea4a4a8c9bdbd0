/** `-m multiport --dports 80,443,1000:2000`. */
export interface MultiportMatch {
  readonly kind: "multiport";
  readonly side: "source" | "destination" | "either";
  readonly ports: readonly { readonly from: number; readonly to: number }[];
  readonly inverted: boolean;
}
