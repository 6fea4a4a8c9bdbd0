import { casesOf } from "../netpolicy/cases.ts";
import { deviating } from "../netpolicy/deviations.ts";
import { describeSuite } from "./policy-packets.ts";

/* Of cyclonus here only what kube-router answers otherwise; all of it: npm run test:kernel. */

const file = "test/root/netpolicy-packets.test.ts";
const cyclonus = casesOf("../shared/suites/netpol/cyc");

describeSuite(file, "Kubernetes e2e", casesOf("test/referee/netpol/e2e"));
describeSuite(
  file,
  "cyclonus",
  cyclonus.filter((one) => deviating.has(one.case.name)),
);
