import { casesOf } from "../netpolicy/cases.ts";
import { describeSuite } from "./policy-packets.ts";

describeSuite("test/root/netpolicy-cyclonus.test.ts", "cyclonus", casesOf("../shared/suites/netpol/cyc"));
