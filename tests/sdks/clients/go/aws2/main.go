// SPDX-License-Identifier: Apache-2.0

// AWS SDK for Go v2.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"credscope.example/sdk-clients/turns"
)

func identities(client *sts.Client, count int) error {
	for range count {
		if _, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{}); err != nil {
			return err
		}
	}
	return nil
}

// As an application does it: everything new, then what this turn is about.
func turn(operation string) error {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := sts.NewFromConfig(cfg)
	switch operation {
	case "credentials":
		_, err = cfg.Credentials.Retrieve(ctx)
		return err
	case "identity":
		return identities(client, 1)
	case "identities":
		return identities(client, 2)
	case "assume":
		role, name := turns.CrossAccount, "chain"
		if _, err = client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &name}); err != nil {
			return err
		}
		return identities(client, 1)
	}
	return fmt.Errorf("unknown operation %s", operation)
}

func main() { turns.Run(turn) }
