//! Screens as people see them, and what it costs to draw them.

mod cost;
mod loops;
mod screens;
mod stage;
mod world;
