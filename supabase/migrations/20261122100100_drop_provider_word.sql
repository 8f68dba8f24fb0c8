-- Payments come from the provider's own events now; nobody tells a deal of them by hand.

-- No client could call any of these.
-- squawk-ignore-file ban-drop-function

-- dropped: 43_deals/record_provider_fact.sql
drop function public.record_provider_fact(uuid, text, jsonb);
drop function private.record_provider_fact(uuid, text, jsonb);
-- It takes more arguments now.
drop function private.open_alert(text, text, text, uuid, jsonb);
