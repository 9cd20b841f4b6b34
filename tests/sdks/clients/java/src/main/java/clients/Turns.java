// SPDX-License-Identifier: Apache-2.0
package clients;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The arguments that both programs have: what to do, turns one after another, and workers that do
 * as many again at a time. See README.md for the operations. */
final class Turns {
    interface Turn {
        void run(String operation) throws Exception;
    }

    private Turns() {
    }

    /** Java knows no SSL_CERT_FILE: make a trust store of it before anything looks for one. */
    private static void trust() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(System.getenv("SSL_CERT_FILE")))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        Path file = Files.createTempFile("trust", ".p12");
        file.toFile().deleteOnExit();
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, "changeit".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    }

    static void main(String[] arguments, Turn turn) throws Exception {
        int turns = Integer.parseInt(arguments[1]);
        int workers = Integer.parseInt(arguments[2]);
        trust();
        for (int i = 0; i < turns; i++) {
            turn.run(arguments[0]);
        }
        ExecutorService pool = Executors.newFixedThreadPool(Math.max(1, workers));
        List<Future<?>> results = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            results.add(pool.submit(() -> {
                turn.run(arguments[0]);
                return null;
            }));
        }
        for (Future<?> result : results) {
            result.get();
        }
        System.out.println(turns + workers);
        System.exit(0); // whatever threads the SDKs left
    }
}
