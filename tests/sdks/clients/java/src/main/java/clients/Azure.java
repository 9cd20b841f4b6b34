// SPDX-License-Identifier: Apache-2.0
package clients;

import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import java.util.concurrent.atomic.AtomicInteger;

/** azure-identity for Java. */
public final class Azure {
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private Azure() {
    }

    private static TokenCredential credential(String operation) {
        String tenant = System.getenv("AZURE_TENANT_ID");
        String client = System.getenv("AZURE_CLIENT_ID");

        switch (operation) {
            case "managed-identity":
                return new ManagedIdentityCredentialBuilder().build();
            case "workload-identity":
                return new WorkloadIdentityCredentialBuilder().build();
            case "client-secret":
                return new ClientSecretCredentialBuilder().tenantId(tenant).clientId(client)
                        .clientSecret(System.getenv("AZURE_CLIENT_SECRET")).build();
            case "client-certificate":
                return new ClientCertificateCredentialBuilder().tenantId(tenant).clientId(client)
                        .pemCertificate(System.getenv("AZURE_CLIENT_CERTIFICATE_PATH")).build();
            default:
                throw new IllegalArgumentException(operation);
        }
    }

    /** Tokens for two scopes: the second login has all that the first one left cached. */
    private static void turn(String operation) {
        TokenCredential one = credential(operation);
        for (int i = 0; i < 2; i++) {
            String scope = "https://vault-" + NUMBER.incrementAndGet() + ".example.net/.default";
            one.getToken(new TokenRequestContext().addScopes(scope)).block();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Turns.main(arguments, Azure::turn);
    }
}
