/** `-m rpfilter`: would a reply leave by the device the packet came in by? */
export interface RpfilterMatch {
  readonly kind: "rpfilter";
  readonly loose?: true;
  readonly validMark?: true;
  readonly acceptLocal?: true;
  readonly invert?: true;
}
