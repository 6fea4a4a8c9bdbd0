/** `-m icmp --icmp-type`, `-m icmp6 --icmpv6-type`: a type and a range of codes (0 to 255: any). */
export interface IcmpMatch {
  readonly kind: "icmp" | "icmp6";
  /** 255: any type (`-m icmp` alone). */
  readonly type: number;
  readonly firstCode: number;
  readonly lastCode: number;
  readonly inverted: boolean;
}
