/** `-m nfacct --nfacct-name NAME`: counts, and always matches. */
export interface NfacctMatch {
  readonly kind: "nfacct";
  readonly name: string;
}
