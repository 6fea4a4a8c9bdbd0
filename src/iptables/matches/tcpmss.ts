/** `-m tcpmss --mss FROM[:TO]`: the MSS option of a SYN, bytes. */
export interface TcpmssMatch {
  readonly kind: "tcpmss";
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}
