// SPDX-License-Identifier: Apache-2.0

// azidentity.
package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credscope.example/sdk-clients/turns"
)

var number atomic.Int64

func certificate(tenant, client string) (azcore.TokenCredential, error) {
	data, err := os.ReadFile(os.Getenv("AZURE_CLIENT_CERTIFICATE_PATH"))
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(data, nil)
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(tenant, client, certificates, key, nil)
}

func credential(operation string) (azcore.TokenCredential, error) {
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	switch operation {
	case "managed-identity":
		return azidentity.NewManagedIdentityCredential(nil)
	case "workload-identity":
		return azidentity.NewWorkloadIdentityCredential(nil)
	case "client-secret":
		return azidentity.NewClientSecretCredential(tenant, client, os.Getenv("AZURE_CLIENT_SECRET"), nil)
	case "client-certificate":
		return certificate(tenant, client)
	}
	return nil, fmt.Errorf("unknown operation %s", operation)
}

// Tokens for two scopes: the second login has all that the first one left cached.
func turn(operation string) error {
	one, err := credential(operation)
	for i := 0; i < 2 && err == nil; i++ {
		scope := fmt.Sprintf("https://vault-%d.example.net/.default", number.Add(1))
		_, err = one.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
	}
	return err
}

func main() { turns.Run(turn) }
