//! States by word and colour.

use std::fmt;

use askama::filters::HtmlSafe;
use webhook_model::DeliveryState;

/// A word in a colour: the word alone says everything.
#[derive(Clone, Copy)]
pub struct Badge {
    tone: Tone,
    word: &'static str,
}

/// The meaning of a colour.
#[derive(Clone, Copy)]
pub enum Tone {
    Good,
    Bad,
    Waiting,
    Neutral,
}

impl Badge {
    pub const fn new(tone: Tone, word: &'static str) -> Self {
        Self { tone, word }
    }

    pub fn of_delivery(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::new(Tone::Waiting, "pending"),
            DeliveryState::InFlight => Self::new(Tone::Waiting, "in flight"),
            DeliveryState::Succeeded => Self::new(Tone::Good, "succeeded"),
            DeliveryState::Dead => Self::new(Tone::Bad, "dead"),
        }
    }

    /// Returns the badge of an event's state, by its name in JSON.
    pub fn of_event(state: &str) -> Self {
        match state {
            "accepted" => Self::new(Tone::Waiting, "accepted"),
            "planned" => Self::new(Tone::Good, "planned"),
            "rejected" => Self::new(Tone::Bad, "rejected"),
            _ => Self::new(Tone::Neutral, "unknown"),
        }
    }

    pub fn of_attempt(succeeded: bool) -> Self {
        if succeeded {
            Self::new(Tone::Good, "succeeded")
        } else {
            Self::new(Tone::Bad, "failed")
        }
    }

    pub fn of_endpoint(enabled: bool, is_failing: bool) -> Self {
        match (enabled, is_failing) {
            (false, _) => Self::new(Tone::Neutral, "disabled"),
            (true, true) => Self::new(Tone::Bad, "failing"),
            (true, false) => Self::new(Tone::Good, "enabled"),
        }
    }

    /// Returns the badge of a circuit breaker, by its name in JSON.
    pub fn of_breaker(name: &str) -> Self {
        match name {
            "closed" => Self::new(Tone::Good, "closed"),
            "open" => Self::new(Tone::Bad, "open"),
            "half_open" => Self::new(Tone::Waiting, "probing"),
            _ => Self::new(Tone::Neutral, "unknown"),
        }
    }
}

impl HtmlSafe for Badge {}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tone = match self.tone {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Waiting => "waiting",
            Tone::Neutral => "neutral",
        };
        let word = self.word;
        write!(f, "<span class=\"badge {tone}\">{word}</span>")
    }
}
