/** A range of ports, both ends included, as `--dport 80` or `! --sports 1000:2000` state it. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}
