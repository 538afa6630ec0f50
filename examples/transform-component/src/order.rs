//! The total of an order.

use serde_json::Value;

/// The number of pieces and their total price.
#[derive(Default)]
pub struct Sold {
    pub pieces: u64,
    pub cents: u64,
}

/// Returns the total of an order of the form `{"lines": [{"count": 2, "price": 9.5}, …]}`, or `None`
/// if it has no lines.
///
/// # Errors
///
/// Returns a text about what the order lacks.
pub fn sold(order: &Value) -> Result<Option<Sold>, String> {
    let lines = order["lines"]
        .as_array()
        .ok_or("the order has no list `lines`")?;
    let mut sold = Sold::default();
    for (number, line) in lines.iter().enumerate() {
        let count = line["count"]
            .as_u64()
            .ok_or(format!("line {number} has no `count`"))?;
        let price = line["price"]
            .as_f64()
            .ok_or(format!("line {number} has no `price`"))?;
        sold.pieces = sold.pieces.saturating_add(count);
        let cents = count.saturating_mul((price * 100.0).round() as u64);
        sold.cents = sold.cents.saturating_add(cents);
    }
    Ok((!lines.is_empty()).then_some(sold))
}
