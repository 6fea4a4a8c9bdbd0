/** `-j TCPMSS --set-mss N`, `-j TCPMSS --clamp-mss-to-pmtu`. */
export interface TcpmssTarget {
  readonly kind: "TCPMSS";
  /** Bytes; absent: clamp to the path MTU. */
  readonly mss?: number;
}
