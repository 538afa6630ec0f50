//! Permits that release themselves.
//!
//! A permit has two parts. That of the endpoint is held until the attempt ends or is skipped, and
//! that of the total until the outcome is recorded or rejected by the store. Each part is released
//! when it is dropped, so that neither an error, a panic nor a dropped future leaks one. As a part
//! is neither copied nor cloned, it is released once.

use std::sync::Arc;

use super::concurrency::{Concurrency, key};
use super::endpoint_state::{AttemptReport, Refusal, Requester};
use crate::deliver::breaker::Change;
use crate::deliver::request_template::RequestTemplate;
use crate::endpoint_health::HealthChange;
use crate::registry::CompiledEndpoint;

/// Permits of one endpoint that were granted together. Dropping it releases those that were not
/// taken.
#[must_use = "dropping permits releases them"]
pub(in crate::deliver) struct Permits {
    concurrency: Arc<Concurrency>,
    template: Arc<RequestTemplate>,
    count: usize,
}

/// The permit of one attempt.
#[must_use = "dropping a permit releases it"]
pub(in crate::deliver) struct Permit {
    pub endpoint: EndpointPermit,
    pub total: TotalPermits,
}

/// The endpoint's part of a permit. Dropping it releases it as that of an attempt that was skipped.
#[must_use = "dropping a permit releases it"]
pub(in crate::deliver) struct EndpointPermit {
    concurrency: Arc<Concurrency>,
    template: Arc<RequestTemplate>,
    /// The bytes of the attempt's body.
    body: usize,
    /// Unset by the end of an attempt, which releases the permit with its report.
    held: bool,
}

/// The total's part of one or several permits, as outcomes are recorded together.
#[must_use = "dropping permits releases them"]
pub(in crate::deliver) struct TotalPermits {
    concurrency: Arc<Concurrency>,
    count: usize,
}

impl Permits {
    /// Acquires at least one and at most `most` permits for an endpoint.
    pub(in crate::deliver) fn acquire(
        concurrency: &Arc<Concurrency>,
        compiled: &Arc<CompiledEndpoint>,
        most: usize,
        source: Requester,
    ) -> Result<Self, Refusal> {
        let (count, template) = concurrency.acquire(compiled, most, source)?;
        Ok(Self {
            concurrency: concurrency.clone(),
            template,
            count,
        })
    }

    pub(in crate::deliver) fn count(&self) -> usize {
        self.count
    }

    /// Splits off one permit; `None` if all are taken.
    pub(in crate::deliver) fn take(&mut self) -> Option<Permit> {
        self.count = self.count.checked_sub(1)?;
        let endpoint = EndpointPermit {
            concurrency: self.concurrency.clone(),
            template: self.template.clone(),
            body: 0,
            held: true,
        };
        let total = TotalPermits {
            concurrency: self.concurrency.clone(),
            count: 1,
        };
        Some(Permit { endpoint, total })
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        if self.count > 0 {
            let key = key(&self.template.compiled);
            self.concurrency.release(&key, self.count);
        }
    }
}

impl EndpointPermit {
    /// Returns the template of the endpoint's requests, as of the time of the grant.
    pub(in crate::deliver) fn template(&self) -> &Arc<RequestTemplate> {
        &self.template
    }

    /// Counts the bytes of the attempt's body, instead of those of an earlier one, until the permit is
    /// released.
    pub(in crate::deliver) fn hold_body(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.body, bytes);
        let key = key(&self.template.compiled);
        self.concurrency.replace_body(&key, before, bytes);
    }

    /// Releases the permit after an attempt, and applies its result to the endpoint.
    pub(in crate::deliver) fn end(
        mut self,
        report: &AttemptReport,
    ) -> (Change, Option<HealthChange>) {
        self.held = false;
        let key = key(&self.template.compiled);
        self.concurrency.attempt_ended(&key, report, self.body)
    }
}

impl Drop for EndpointPermit {
    fn drop(&mut self) {
        if self.held {
            let key = key(&self.template.compiled);
            self.concurrency.attempt_skipped(&key, self.body);
        }
    }
}

impl TotalPermits {
    /// Adds other permits, so that all are released at once.
    pub(in crate::deliver) fn merge(mut self, mut other: Self) -> Self {
        debug_assert!(Arc::ptr_eq(&self.concurrency, &other.concurrency));
        self.count += std::mem::take(&mut other.count);
        self
    }
}

impl Drop for TotalPermits {
    fn drop(&mut self) {
        if self.count > 0 {
            self.concurrency.outcomes_recorded(self.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::{Millis, TenantId};

    use super::*;
    use crate::deliver::Settings;
    use crate::deliver::outcome::Health;

    /// The limits of permits in total and of the endpoint.
    const TOTAL: usize = 100;
    const OWN: usize = 4;

    struct World {
        concurrency: Arc<Concurrency>,
        compiled: Arc<CompiledEndpoint>,
    }

    impl World {
        fn new() -> Self {
            let settings = Settings {
                permits: TOTAL,
                permits_per_endpoint: OWN,
                ..Settings::default()
            };
            let tenant = TenantId::parse("acme").unwrap();
            let endpoint = test_fixtures::endpoint(&tenant, "orders", Millis(0));
            let compiled = CompiledEndpoint::new(endpoint, &Default::default()).unwrap();
            Self {
                concurrency: Arc::new(Concurrency::new(settings, Arc::default())),
                compiled: Arc::new(compiled),
            }
        }

        fn acquire(&self, most: usize) -> Permits {
            let source = Requester::Planner;
            Permits::acquire(&self.concurrency, &self.compiled, most, source).unwrap()
        }

        /// Returns the numbers of permits in use, of the endpoint and in total.
        fn in_use(&self) -> (usize, usize) {
            let total = self.concurrency.in_use();
            let source = Requester::Planner;
            let free = Permits::acquire(&self.concurrency, &self.compiled, OWN, source);
            (OWN - free.map_or(0, |free| free.count()), total)
        }
    }

    fn report() -> AttemptReport {
        AttemptReport {
            version: 0,
            health: Health::Healthy,
            succeeded: Some(true),
            gone: None,
            at: Millis(0),
            random: 0.5,
        }
    }

    #[test]
    fn permits_that_are_not_taken_are_released() {
        let world = World::new();
        let mut permits = world.acquire(3);
        let permit = permits.take().unwrap();
        assert_eq!((permits.count(), world.in_use()), (2, (3, 3)));
        drop(permits);
        assert_eq!(world.in_use(), (1, 1));
        drop(permit);
        assert_eq!(world.in_use(), (0, 0));
    }

    #[test]
    fn no_more_permits_are_taken_than_were_granted() {
        let world = World::new();
        let mut permits = world.acquire(2);
        let taken = [permits.take(), permits.take(), permits.take()];
        assert_eq!(taken.iter().flatten().count(), 2);
        drop(permits);
        assert_eq!(world.in_use(), (2, 2));
    }

    #[test]
    fn the_endpoint_gets_its_permit_back_before_the_outcome_is_recorded() {
        let world = World::new();
        let Permit { endpoint, total } = world.acquire(1).take().unwrap();
        endpoint.end(&report());
        assert_eq!(world.in_use(), (0, 1));
        drop(total);
        assert_eq!(world.in_use(), (0, 0));
    }

    #[test]
    fn merged_permits_are_released_once() {
        let world = World::new();
        let mut permits = world.acquire(3);
        let totals = std::iter::from_fn(|| permits.take()).map(|permit| permit.total);
        let merged = totals.reduce(TotalPermits::merge);
        assert_eq!(world.in_use(), (0, 3));
        let other = world.acquire(1);
        drop(merged);
        assert_eq!(world.in_use(), (1, 1));
        drop(other);
    }

    #[test]
    fn a_panic_releases_permits() {
        let world = World::new();
        let permits = world.acquire(2);
        let panics = std::panic::AssertUnwindSafe(|| {
            let _permits = permits;
            panic!("a fault of an attempt");
        });
        assert!(std::panic::catch_unwind(panics).is_err());
        assert_eq!(world.in_use(), (0, 0));
    }
}
