//! The export of the component.

use crate::world::{Error, Event, Guest};
use crate::{Transform, order};

impl Guest for Transform {
    fn transform(event: Event) -> Result<Option<String>, Error> {
        let data = serde_json::from_str(&event.data);
        let data = data.map_err(|error| Error::Failed(error.to_string()))?;
        let Some(sold) = order::sold(&data).map_err(Error::Unexpected)? else {
            return Ok(None);
        };
        let body = serde_json::json!({
            "event": event.id,
            "at": event.timestamp,
            "pieces": sold.pieces,
            "cents": sold.cents,
        });
        Ok(Some(body.to_string()))
    }
}
