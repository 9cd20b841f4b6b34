// SPDX-License-Identifier: Apache-2.0
// AWS SDK for JavaScript v3. Arguments: what to do, turns one after another, and as many at a
// time. What each operation does is told in README.md.
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";

const crossAccount = { RoleArn: "arn:aws:iam::444455556666:role/cross-account", RoleSessionName: "chain" };

// As an application does it: everything new, then what this turn is about.
async function turn(operation) {
  if (operation === "credentials") {
    await fromNodeProviderChain()();
    return;
  }
  const sts = new STSClient({});
  if (operation === "assume") await sts.send(new AssumeRoleCommand(crossAccount));
  await sts.send(new GetCallerIdentityCommand({}));
  if (operation === "identities") await sts.send(new GetCallerIdentityCommand({}));
  sts.destroy();
}

const [operation, turns, workers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
for (let i = 0; i < turns; i++) await turn(operation);
await Promise.all(Array.from({ length: workers }, () => turn(operation)));
console.log(turns + workers);
