//! Tests of the files with which the project is deployed. They read or run every file of `deploy/`.
//!
//! | where | what |
//! |---|---|
//! | `spin/` | runtime configurations for Spin and `spin-local` |
//! | `spinkube/` | Kubernetes: a kustomize base, overlays, a Redis as an example |
//! | `schemas/` | what a resource may be made of, in JSON Schema; anything else is refused |
//! | `container/`, `systemd/` | one container, one machine |
//!
//! `scripts/push.sh` and `scripts/deploy-cloud.sh` are run by the tests with a `spin` that writes
//! down what it was asked. The walks are in `docs/DEPLOY.md`.
