//! What the project is deployed with. There is no code here: the tests of this crate read or run
//! every file of the folder.
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
