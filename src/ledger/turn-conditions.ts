/** What lets a waiting delivery, as `delivery`, go when its destination has a place. */

/** No earlier one of its order key is unfinished. */
const IS_HEAD = `NOT EXISTS (
  SELECT FROM deliveries earlier
  WHERE earlier.destination_id = delivery.destination_id AND earlier.order_key = delivery.order_key
    AND earlier.order_key IS NOT NULL AND earlier.state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying')
    AND (earlier.event_id, earlier.id) < (delivery.event_id, delivery.id))`

/** None of its order key died that holds those behind it. */
export const IS_NOT_HELD_BY_DEAD = `NOT (delivery.holds_on_dead AND EXISTS (
    SELECT FROM deliveries earlier JOIN events event ON event.id = earlier.event_id
    WHERE earlier.destination_id = delivery.destination_id AND earlier.order_key = delivery.order_key
      AND earlier.order_key IS NOT NULL AND earlier.state = 'dead'
      AND (earlier.event_id, earlier.id) < (delivery.event_id, delivery.id)
      AND event.latest_run_id = earlier.run_id))`

/** Nor has an earlier event of its integration still to be walked, which might make one of its order key. */
const IS_NOT_HELD = `NOT EXISTS (
    SELECT FROM runs WHERE integration_id = delivery.integration_id
      AND state IN ('queued', 'running', 'retrying')
      AND event_id < delivery.event_id)
  AND ${IS_NOT_HELD_BY_DEAD}`

/** It is the first of its order key, or has none. */
export const IS_FIRST = `(delivery.order_key IS NULL OR (${IS_HEAD} AND ${IS_NOT_HELD}))`

/** Nothing but those of its order key that wait before it keep it from being the first. */
export const IS_NEXT = `(delivery.order_key IS NULL OR (${IS_NOT_HELD}))`

/** Of one unique key nothing newer overtakes what is under way. */
export const IS_ALONE = `(delivery.unique_key IS NULL OR NOT EXISTS (
  SELECT FROM deliveries other
  WHERE other.destination_id = delivery.destination_id AND other.unique_key = delivery.unique_key
    AND other.unique_key IS NOT NULL AND other.state IN ('queued', 'sending')))`
