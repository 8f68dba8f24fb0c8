-- The money is released; the free chat begins in the same transaction.
select private.draft_state('deals', 'work_approved', $$
{
  "title": "Work approved", "work_status": "approved",
  "moves": [
    {
      "name": "free_chat_begins",
      "role": "system", "action": "enable_real_time",
      "to": "real_time",
      "messages": [
        {"type": "system", "to": "all", "text": "You can now chat freely."}
      ]
    }
  ]
}
$$);
