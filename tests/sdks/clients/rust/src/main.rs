// SPDX-License-Identifier: Apache-2.0
//! AWS SDK for Rust. Arguments: what to do, turns one after another, and workers that do as many
//! again at a time. What each operation does is told in tests/sdks/README.md.
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const CROSS_ACCOUNT: &str = "arn:aws:iam::444455556666:role/cross-account";

async fn credentials(config: &SdkConfig) -> Outcome {
    config.credentials_provider().ok_or("no provider")?.provide_credentials().await?;
    Ok(())
}

async fn caller_identity(sts: &aws_sdk_sts::Client) -> Outcome {
    sts.get_caller_identity().send().await?;
    Ok(())
}

async fn assume_role(sts: &aws_sdk_sts::Client) -> Outcome {
    sts.assume_role().role_arn(CROSS_ACCOUNT).role_session_name("chain").send().await?;
    Ok(())
}

/// As an application does it: everything new, then what this turn is about.
async fn turn(operation: String) -> Outcome {
    let config = aws_config::load_from_env().await;
    let sts = aws_sdk_sts::Client::new(&config);

    match operation.as_str() {
        "credentials" => credentials(&config).await,
        "identity" => caller_identity(&sts).await,
        "identities" => {
            caller_identity(&sts).await?;
            caller_identity(&sts).await
        }
        "assume" => {
            assume_role(&sts).await?;
            caller_identity(&sts).await
        }
        _ => Err("unknown operation".into()),
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().ok_or("no operation")?;
    let turns: usize = arguments.next().ok_or("no turns")?.parse()?;
    let workers: usize = arguments.next().ok_or("no workers")?.parse()?;

    for _ in 0..turns {
        turn(operation.clone()).await?;
    }
    let tasks: Vec<_> = (0..workers).map(|_| tokio::spawn(turn(operation.clone()))).collect();
    for task in tasks {
        task.await??;
    }
    println!("{}", turns + workers);
    Ok(())
}
