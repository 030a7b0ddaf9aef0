//! What one message may still cost.

use crate::limits::{AmfLimits, Limit, LimitExceeded};

/// Counts the values of one message, AMF0 and AMF3 together.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: AmfLimits,
    values: u32,
}

impl Budget {
    pub(crate) const fn new(limits: AmfLimits) -> Self {
        Self { limits, values: 0 }
    }

    /// Counts one value or property name.
    pub(crate) fn count_value(&mut self) -> Result<(), LimitExceeded> {
        let max = self.limits.values;
        self.values = self.values.saturating_add(1);
        if self.values <= max {
            return Ok(());
        }
        Err(LimitExceeded {
            limit: Limit::AmfValues,
            got: u64::from(self.values),
            max: u64::from(max),
        })
    }

    /// Whether one more container may open inside `open` others.
    pub(crate) fn check_depth(&self, open: usize) -> Result<(), LimitExceeded> {
        let max = self.limits.depth;
        if open < usize::from(max) {
            return Ok(());
        }
        Err(LimitExceeded {
            limit: Limit::AmfDepth,
            got: u64::try_from(open).unwrap_or(u64::MAX).saturating_add(1),
            max: u64::from(max),
        })
    }
}
