// SPDX-License-Identifier: Apache-2.0
package clients;

import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;

/** AWS SDK for Java v2. */
public final class Aws {
    private Aws() {
    }

    /** As an application does it: everything new, then what this turn is about. */
    private static void turn(String operation) {
        try (DefaultCredentialsProvider provider = DefaultCredentialsProvider.builder().build()) {
            if (operation.equals("credentials")) {
                provider.resolveCredentials();
                return;
            }
            try (StsClient sts = StsClient.builder().credentialsProvider(provider).build()) {
                if (operation.equals("assume")) {
                    sts.assumeRole(r -> r.roleArn("arn:aws:iam::444455556666:role/cross-account")
                            .roleSessionName("chain"));
                }
                sts.getCallerIdentity();
                if (operation.equals("identities")) {
                    sts.getCallerIdentity();
                }
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        Turns.main(arguments, Aws::turn);
    }
}
