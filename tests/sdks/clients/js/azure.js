// SPDX-License-Identifier: Apache-2.0
// @azure/identity. Arguments as those of aws.js; see README.md.
import {
  ClientCertificateCredential, ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential,
} from "@azure/identity";

const env = process.env;
const credentials = {
  "managed-identity": () => new ManagedIdentityCredential(),
  "workload-identity": () => new WorkloadIdentityCredential(),
  "client-secret": () =>
    new ClientSecretCredential(env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, env.AZURE_CLIENT_SECRET),
  "client-certificate": () => new ClientCertificateCredential(
    env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, { certificatePath: env.AZURE_CLIENT_CERTIFICATE_PATH }),
};
let number = 0;

// Tokens for two scopes: the second login has all that the first one left cached.
async function turn(operation) {
  const credential = credentials[operation]();
  for (let i = 0; i < 2; i++) await credential.getToken(`https://vault-${number++}.example.net/.default`);
}

const [operation, turns, workers] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
for (let i = 0; i < turns; i++) await turn(operation);
await Promise.all(Array.from({ length: workers }, () => turn(operation)));
console.log(turns + workers);
