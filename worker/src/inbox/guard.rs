//! What wakes the inbox: its alarm, which JavaScript sets, and the bell of an alarm that is working.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use js_sys::Object;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ids::RowId;
use crate::js::float;

#[wasm_bindgen]
extern "C" {
    /// The JavaScript around the inbox: see `worker/index.js`.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    pub type Guard;

    /// Tells which row is worked on now; 0 is none, and a negative number is one of the quarantine.
    #[wasm_bindgen(method, js_name = mark)]
    fn mark_row(this: &Guard, row: f64);

    /// Sets the alarm to a time, unless it is set to an earlier time.
    #[wasm_bindgen(method, js_name = armBy)]
    pub(super) fn arm_by(this: &Guard, time: f64);

    /// Sets the alarm to a time, or deletes it.
    #[wasm_bindgen(method)]
    pub(super) fn arm(this: &Guard, time: Option<f64>);

    /// Tells whether no further request may begin, because the process is about to end.
    #[wasm_bindgen(method, js_name = isStopping)]
    pub(super) fn is_stopping(this: &Guard) -> bool;
}

impl Guard {
    /// Tells which delivery is worked on now.
    pub(super) fn mark(&self, delivery: Option<RowId>) {
        self.mark_row(delivery.map_or(0.0, |row| float(row.0)));
    }

    /// Tells which request of the quarantine is worked on now.
    pub(super) fn mark_kept(&self, request: Option<RowId>) {
        self.mark_row(request.map_or(0.0, |row| -float(row.0)));
    }
}

/// Wakes the alarm that is working when there is something new to send.
#[derive(Default)]
pub(super) struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Tells whether it has rung since the last call; if not, it wakes the task when it rings.
    pub(super) fn has_rung(&self, context: &Context<'_>) -> bool {
        self.waker.replace(Some(context.waker().clone()));
        self.rung.replace(false)
    }
}
