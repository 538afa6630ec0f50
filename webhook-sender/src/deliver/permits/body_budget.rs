//! The bodies of attempts in flight, which are bounded by their bytes: permits count attempts, whose bodies
//! may be of any size.

/// The most bytes of bodies of attempts in flight. Those of the last grants may exceed it.
const MAX_BYTES: usize = 128 << 20;

/// The size that a body is assumed to have before the first attempt.
const FIRST_BODY: usize = 1 << 20;

/// The bytes in use, in total.
#[derive(Default)]
pub(super) struct BodyBudget {
    in_use: usize,
}

/// The bytes in use of one endpoint, and the size that its next bodies are assumed to have.
pub(super) struct EndpointBodies {
    in_use: usize,
    /// The size of the largest of the last bodies: lowered by an eighth with each smaller one.
    expected: usize,
}

impl Default for EndpointBodies {
    fn default() -> Self {
        Self {
            in_use: 0,
            expected: FIRST_BODY,
        }
    }
}

impl BodyBudget {
    /// Returns true if no body fits.
    pub(super) fn is_exhausted(&self) -> bool {
        self.in_use >= MAX_BYTES
    }

    /// Returns the number of attempts of an endpoint whose bodies fit. An endpoint never holds more
    /// bytes than it leaves free, apart from those of one body: a receiver that hangs can hold half of
    /// them.
    pub(super) fn fitting(&self, endpoint: &EndpointBodies) -> usize {
        let free = MAX_BYTES.saturating_sub(self.in_use);
        let fair = free.saturating_sub(endpoint.in_use) / 2;
        match fair / endpoint.expected.max(1) {
            0 if fair > 0 => 1,
            fitting => fitting,
        }
    }

    /// Replaces a body in use, of `before` bytes, by one of `after` bytes.
    pub(super) fn replace(&mut self, endpoint: &mut EndpointBodies, before: usize, after: usize) {
        for in_use in [&mut self.in_use, &mut endpoint.in_use] {
            *in_use = in_use.saturating_sub(before).saturating_add(after);
        }
        if after > 0 {
            let expected = endpoint.expected;
            endpoint.expected = after.max(expected - expected / 8);
        }
    }

    /// Forgets bodies of an endpoint that is not known any more.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.in_use = self.in_use.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Starts attempts with bodies of this size as long as any fit, and returns their number.
    fn fill(budget: &mut BodyBudget, endpoint: &mut EndpointBodies, bytes: usize) -> usize {
        let mut count = 0;
        while count < 100_000 && budget.fitting(endpoint) > 0 {
            budget.replace(endpoint, 0, bytes);
            count += 1;
        }
        count
    }

    #[test]
    fn receivers_that_hang_hold_a_fair_part_of_the_bytes() {
        let mut budget = BodyBudget::default();
        let mut endpoints = [(); 3].map(|()| EndpointBodies::default());
        let counts = endpoints
            .each_mut()
            .map(|endpoint| fill(&mut budget, endpoint, MIB));
        assert_eq!(counts, [64, 32, 16]);
        assert!(!budget.is_exhausted());
        assert!(budget.fitting(&EndpointBodies::default()) > 0);
    }

    #[test]
    fn a_grant_is_bounded_by_the_size_of_the_last_bodies() {
        let (mut budget, mut endpoint) = (BodyBudget::default(), EndpointBodies::default());
        assert_eq!(budget.fitting(&endpoint), 64);
        for _ in 0..100 {
            budget.replace(&mut endpoint, 0, 1024);
            budget.replace(&mut endpoint, 1024, 0);
        }
        assert!(budget.fitting(&endpoint) > 10_000);
        budget.replace(&mut endpoint, 0, 4 * MIB);
        assert_eq!(budget.fitting(&endpoint), 15);
    }

    #[test]
    fn a_body_that_has_ended_makes_room() {
        let (mut budget, mut endpoint) = (BodyBudget::default(), EndpointBodies::default());
        budget.replace(&mut endpoint, 0, 300 * MIB);
        assert!(budget.is_exhausted());
        assert_eq!(budget.fitting(&EndpointBodies::default()), 0);
        budget.replace(&mut endpoint, 300 * MIB, 0);
        assert_eq!(budget.fitting(&EndpointBodies::default()), 64);
    }
}
