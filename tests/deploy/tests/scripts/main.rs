//! `scripts/push.sh`, `scripts/deploy-cloud.sh` and `scripts/deploy-akamai.sh`, run with a fake `spin` that
//! records its arguments, and without `spin`.

mod akamai;
mod cloud;
mod fake_spin;
mod push;
#[path = "../support/mod.rs"]
mod support;
