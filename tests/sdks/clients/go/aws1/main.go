// SPDX-License-Identifier: Apache-2.0

// AWS SDK for Go v1: at its end of support, in use for years to come.
package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/sts"

	"credscope.example/sdk-clients/turns"
)

func identities(client *sts.STS, count int) error {
	for range count {
		if _, err := client.GetCallerIdentity(&sts.GetCallerIdentityInput{}); err != nil {
			return err
		}
	}
	return nil
}

// As an application does it: everything new, then what this turn is about.
func turn(operation string) error {
	session, err := session.NewSession()
	if err != nil {
		return err
	}
	client := sts.New(session)
	switch operation {
	case "credentials":
		_, err = session.Config.Credentials.Get()
		return err
	case "identity":
		return identities(client, 1)
	case "identities":
		return identities(client, 2)
	case "assume":
		role, name := turns.CrossAccount, "chain"
		if _, err = client.AssumeRole(&sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &name}); err != nil {
			return err
		}
		return identities(client, 1)
	}
	return fmt.Errorf("unknown operation %s", operation)
}

func main() { turns.Run(turn) }
