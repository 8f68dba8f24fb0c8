// Written by `supabase gen types`.

export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[];

export type Database = {
  public: {
    Tables: {
      bids: {
        Row: {
          amount: number | null;
          amount_minor: number | null;
          created_at: string;
          currency: string;
          description: string;
          id: string;
          influencer_id: string;
          status: string;
          title: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          amount?: never;
          amount_minor?: number | null;
          created_at?: string;
          currency?: string;
          description: string;
          id?: string;
          influencer_id: string;
          status?: string;
          title: string;
          updated_at?: string;
        };
        Update: {
          amount?: never;
          amount_minor?: number | null;
          created_at?: string;
          currency?: string;
          description?: string;
          id?: string;
          influencer_id?: string;
          status?: string;
          title?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: "bids_influencer_id_fkey";
            columns: ["influencer_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
      blocks: {
        Row: {
          blocked_id: string;
          blocker_id: string;
          created_at: string;
        };
        ComputedFields: never;
        Insert: {
          blocked_id: string;
          blocker_id: string;
          created_at?: string;
        };
        Update: {
          blocked_id?: string;
          blocker_id?: string;
          created_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: "blocks_blocked_id_fkey";
            columns: ["blocked_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "blocks_blocker_id_fkey";
            columns: ["blocker_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
      campaigns: {
        Row: {
          brand_owner_id: string;
          brief: string;
          budget: number | null;
          budget_minor: number | null;
          created_at: string;
          currency: string;
          id: string;
          status: string;
          title: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          brand_owner_id: string;
          brief: string;
          budget?: never;
          budget_minor?: number | null;
          created_at?: string;
          currency?: string;
          id?: string;
          status?: string;
          title: string;
          updated_at?: string;
        };
        Update: {
          brand_owner_id?: string;
          brief?: string;
          budget?: never;
          budget_minor?: number | null;
          created_at?: string;
          currency?: string;
          id?: string;
          status?: string;
          title?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: "campaigns_brand_owner_id_fkey";
            columns: ["brand_owner_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
      conversation_events: {
        Row: {
          action: string;
          actor_id: string | null;
          actor_role: string;
          commitment: string;
          conversation_id: string;
          created_at: string;
          details: Json | null;
          effective_at: string;
          from_state: string;
          hash: string;
          to_state: string;
          version: number;
          conversations: {
            amount_minor: number | null;
            automation_enabled: boolean | null;
            awaiting_role: string | null;
            bid_id: string | null;
            brand_owner_id: string | null;
            campaign_id: string | null;
            captured_minor: number | null;
            charged_back_minor: number | null;
            chat_status: string | null;
            close_reason: string | null;
            closed_by: string | null;
            created_at: string;
            currency: string;
            current_action_data: Json | null;
            deadline_at: string | null;
            delivery_due_at: string | null;
            entered_at: string | null;
            fee_minor: number | null;
            flow_data: Json | null;
            flow_state: string | null;
            held_minor: number | null;
            id: string;
            influencer_id: string | null;
            kind: string;
            last_message_at: string;
            last_seq: number | null;
            refunded_minor: number | null;
            released_minor: number | null;
            request_id: string | null;
            submission_date: string | null;
            updated_at: string | null;
            user_a: string;
            user_b: string;
            version: number | null;
            work_status: string | null;
            work_submission: Json | null;
            work_submitted: boolean | null;
          } | null;
        };
        ComputedFields: "conversations";
        Insert: {
          action: string;
          actor_id?: string | null;
          actor_role: string;
          commitment: string;
          conversation_id: string;
          created_at: string;
          details?: Json | null;
          effective_at: string;
          from_state: string;
          hash: string;
          to_state: string;
          version: number;
        };
        Update: {
          action?: string;
          actor_id?: string | null;
          actor_role?: string;
          commitment?: string;
          conversation_id?: string;
          created_at?: string;
          details?: Json | null;
          effective_at?: string;
          from_state?: string;
          hash?: string;
          to_state?: string;
          version?: number;
        };
        Relationships: [];
      };
      messages: {
        Row: {
          action_completed: boolean;
          action_data: Json | null;
          action_required: boolean;
          attachments: Json | null;
          caused_by: string | null;
          client_message_id: string | null;
          conversation_id: string;
          created_at: string;
          expires_at: string | null;
          id: string;
          is_automated: boolean;
          is_expired: boolean;
          media_url: string | null;
          message: string;
          message_type: string;
          receiver_id: string | null;
          reply_to: string | null;
          scrubbed_at: string | null;
          sender_id: string;
          seq: number;
          updated_at: string;
          visible_to: string;
          conversations: {
            amount_minor: number | null;
            automation_enabled: boolean | null;
            awaiting_role: string | null;
            bid_id: string | null;
            brand_owner_id: string | null;
            campaign_id: string | null;
            captured_minor: number | null;
            charged_back_minor: number | null;
            chat_status: string | null;
            close_reason: string | null;
            closed_by: string | null;
            created_at: string;
            currency: string;
            current_action_data: Json | null;
            deadline_at: string | null;
            delivery_due_at: string | null;
            entered_at: string | null;
            fee_minor: number | null;
            flow_data: Json | null;
            flow_state: string | null;
            held_minor: number | null;
            id: string;
            influencer_id: string | null;
            kind: string;
            last_message_at: string;
            last_seq: number | null;
            refunded_minor: number | null;
            released_minor: number | null;
            request_id: string | null;
            submission_date: string | null;
            updated_at: string | null;
            user_a: string;
            user_b: string;
            version: number | null;
            work_status: string | null;
            work_submission: Json | null;
            work_submitted: boolean | null;
          } | null;
          receiver: {
            avatar_url: string | null;
            created_at: string;
            display_name: string | null;
            id: string;
            role: string | null;
            updated_at: string;
          } | null;
          sender: {
            avatar_url: string | null;
            created_at: string;
            display_name: string | null;
            id: string;
            role: string | null;
            updated_at: string;
          } | null;
        };
        ComputedFields: "conversations" | "receiver" | "sender";
        Insert: {
          action_completed?: boolean;
          action_data?: Json | null;
          action_required?: boolean;
          attachments?: Json | null;
          caused_by?: string | null;
          client_message_id?: string | null;
          conversation_id: string;
          created_at?: string;
          expires_at?: string | null;
          id?: string;
          is_automated?: boolean;
          is_expired?: boolean;
          media_url?: string | null;
          message: string;
          message_type: string;
          receiver_id?: string | null;
          reply_to?: string | null;
          scrubbed_at?: string | null;
          sender_id: string;
          seq: number;
          updated_at?: string;
          visible_to?: string;
        };
        Update: {
          action_completed?: boolean;
          action_data?: Json | null;
          action_required?: boolean;
          attachments?: Json | null;
          caused_by?: string | null;
          client_message_id?: string | null;
          conversation_id?: string;
          created_at?: string;
          expires_at?: string | null;
          id?: string;
          is_automated?: boolean;
          is_expired?: boolean;
          media_url?: string | null;
          message?: string;
          message_type?: string;
          receiver_id?: string | null;
          reply_to?: string | null;
          scrubbed_at?: string | null;
          sender_id?: string;
          seq?: number;
          updated_at?: string;
          visible_to?: string;
        };
        Relationships: [];
      };
      offers: {
        Row: {
          amount_minor: number;
          conversation_id: string;
          created_at: string;
          currency: string;
          id: string;
          is_final: boolean;
          made_by: string;
          price: number;
          round: number;
          version: number;
        };
        ComputedFields: never;
        Insert: {
          amount_minor: number;
          conversation_id: string;
          created_at: string;
          currency?: string;
          id?: string;
          is_final?: boolean;
          made_by: string;
          price?: never;
          round: number;
          version: number;
        };
        Update: {
          amount_minor?: number;
          conversation_id?: string;
          created_at?: string;
          currency?: string;
          id?: string;
          is_final?: boolean;
          made_by?: string;
          price?: never;
          round?: number;
          version?: number;
        };
        Relationships: [
          {
            foreignKeyName: "offers_conversation_id_fkey";
            columns: ["conversation_id"];
            isOneToOne: false;
            referencedRelation: "conversations";
            referencedColumns: ["id"];
          },
        ];
      };
      requests: {
        Row: {
          campaign_id: string;
          created_at: string;
          id: string;
          influencer_id: string;
          pitch: string | null;
          quote: number | null;
          quote_minor: number | null;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          campaign_id: string;
          created_at?: string;
          id?: string;
          influencer_id: string;
          pitch?: string | null;
          quote?: never;
          quote_minor?: number | null;
          status?: string;
          updated_at?: string;
        };
        Update: {
          campaign_id?: string;
          created_at?: string;
          id?: string;
          influencer_id?: string;
          pitch?: string | null;
          quote?: never;
          quote_minor?: number | null;
          status?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: "requests_campaign_id_fkey";
            columns: ["campaign_id"];
            isOneToOne: false;
            referencedRelation: "campaigns";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "requests_influencer_id_fkey";
            columns: ["influencer_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
      users: {
        Row: {
          avatar_url: string | null;
          created_at: string;
          display_name: string | null;
          id: string;
          role: string | null;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          avatar_url?: string | null;
          created_at?: string;
          display_name?: string | null;
          id: string;
          role?: string | null;
          updated_at?: string;
        };
        Update: {
          avatar_url?: string | null;
          created_at?: string;
          display_name?: string | null;
          id?: string;
          role?: string | null;
          updated_at?: string;
        };
        Relationships: [];
      };
      work_submissions: {
        Row: {
          attachments: Json | null;
          conversation_id: string;
          deliverables: string;
          description: string | null;
          feedback: string | null;
          id: string;
          number: number;
          reviewed_at: string | null;
          status: string;
          submission_notes: string | null;
          submitted_at: string;
        };
        ComputedFields: never;
        Insert: {
          attachments?: Json | null;
          conversation_id: string;
          deliverables: string;
          description?: string | null;
          feedback?: string | null;
          id?: string;
          number: number;
          reviewed_at?: string | null;
          status?: string;
          submission_notes?: string | null;
          submitted_at: string;
        };
        Update: {
          attachments?: Json | null;
          conversation_id?: string;
          deliverables?: string;
          description?: string | null;
          feedback?: string | null;
          id?: string;
          number?: number;
          reviewed_at?: string | null;
          status?: string;
          submission_notes?: string | null;
          submitted_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: "work_submissions_conversation_id_fkey";
            columns: ["conversation_id"];
            isOneToOne: false;
            referencedRelation: "conversations";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Views: {
      conversations: {
        Row: {
          amount_minor: number | null;
          automation_enabled: boolean | null;
          awaiting_role: string | null;
          bid_id: string | null;
          brand_owner_id: string | null;
          campaign_id: string | null;
          captured_minor: number | null;
          charged_back_minor: number | null;
          chat_status: string | null;
          close_reason: string | null;
          closed_by: string | null;
          created_at: string;
          currency: string;
          current_action_data: Json | null;
          deadline_at: string | null;
          delivery_due_at: string | null;
          entered_at: string | null;
          fee_minor: number | null;
          flow_data: Json | null;
          flow_state: string | null;
          held_minor: number | null;
          id: string;
          influencer_id: string | null;
          kind: string;
          last_message_at: string;
          last_seq: number | null;
          refunded_minor: number | null;
          released_minor: number | null;
          request_id: string | null;
          submission_date: string | null;
          updated_at: string | null;
          user_a: string;
          user_b: string;
          version: number | null;
          work_status: string | null;
          work_submission: Json | null;
          work_submitted: boolean | null;
          brand_owner: {
            avatar_url: string | null;
            created_at: string;
            display_name: string | null;
            id: string;
            role: string | null;
            updated_at: string;
          } | null;
          conversation_events: {
            action: string;
            actor_id: string | null;
            actor_role: string;
            commitment: string;
            conversation_id: string;
            created_at: string;
            details: Json | null;
            effective_at: string;
            from_state: string;
            hash: string;
            to_state: string;
            version: number;
          } | null;
          influencer: {
            avatar_url: string | null;
            created_at: string;
            display_name: string | null;
            id: string;
            role: string | null;
            updated_at: string;
          } | null;
          messages: {
            action_completed: boolean;
            action_data: Json | null;
            action_required: boolean;
            attachments: Json | null;
            caused_by: string | null;
            client_message_id: string | null;
            conversation_id: string;
            created_at: string;
            expires_at: string | null;
            id: string;
            is_automated: boolean;
            is_expired: boolean;
            media_url: string | null;
            message: string;
            message_type: string;
            receiver_id: string | null;
            reply_to: string | null;
            scrubbed_at: string | null;
            sender_id: string;
            seq: number;
            updated_at: string;
            visible_to: string;
          } | null;
        };
        ComputedFields:
          "brand_owner" | "conversation_events" | "influencer" | "messages";
        Relationships: [
          {
            foreignKeyName: "conversations_bid_id_fkey";
            columns: ["bid_id"];
            isOneToOne: false;
            referencedRelation: "bids";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "conversations_campaign_id_fkey";
            columns: ["campaign_id"];
            isOneToOne: false;
            referencedRelation: "campaigns";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "conversations_request_id_fkey";
            columns: ["request_id"];
            isOneToOne: false;
            referencedRelation: "requests";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "conversations_user_a_fkey";
            columns: ["user_a"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "conversations_user_b_fkey";
            columns: ["user_b"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Functions: {
      apply_payment_snapshot: {
        Args: {
          actor?: string;
          mode?: string;
          order_entity: Json;
          payment_order_id: string;
          payments: Json;
        };
        Returns: Json;
      };
      apply_to_campaign: {
        Args: {
          campaign_id: string;
          client_action_id?: string;
          pitch?: string;
          quote?: Json;
        };
        Returns: Json;
      };
      apply_waiting_event: { Args: Record<PropertyKey, never>; Returns: Json };
      attach_payment_order: {
        Args: {
          entity: Json;
          mode?: string;
          payment_order_id: string;
          razorpay_config?: Json;
        };
        Returns: Json;
      };
      begin_payment: { Args: { conversation_id: string }; Returns: Json };
      block_user: { Args: { user_id: string }; Returns: Json };
      brand_owner: {
        Args: { "": Database["public"]["Views"]["conversations"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.brand_owner with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "conversations";
          to: "users";
          isOneToOne: true;
          isSetofReturn: true;
        };
      };
      claim_payment_poll: {
        Args: {
          conversation_id: string;
          min_gap_seconds?: number;
          user_id: string;
        };
        Returns: Json;
      };
      click_button: {
        Args: {
          additional_data?: Json;
          button_id: string;
          client_action_id?: string;
          conversation_id: string;
          message_id?: string;
        };
        Returns: Json;
      };
      close_bid: { Args: { bid_id: string }; Returns: Json };
      close_campaign: { Args: { campaign_id: string }; Returns: Json };
      complete_profile: {
        Args: {
          avatar_url?: string;
          display_name?: string;
          phone?: string;
          role?: string;
        };
        Returns: Json;
      };
      connect_bid: {
        Args: {
          bid_id: string;
          client_action_id?: string;
          influencer_id?: string;
          proposed_amount?: Json;
        };
        Returns: Json;
      };
      conversation_events: {
        Args: { "": Database["public"]["Views"]["conversations"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.conversation_events with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "conversations";
          to: "conversation_events";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      conversations:
        | {
            Args: {
              "": Database["public"]["Tables"]["conversation_events"]["Row"];
            };
            Returns: {
              error: true;
            } & "the function public.conversations with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
            SetofOptions: {
              from: "conversation_events";
              to: "conversations";
              isOneToOne: true;
              isSetofReturn: true;
            };
          }
        | {
            Args: { "": Database["public"]["Tables"]["messages"]["Row"] };
            Returns: {
              error: true;
            } & "the function public.conversations with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
            SetofOptions: {
              from: "messages";
              to: "conversations";
              isOneToOne: true;
              isSetofReturn: true;
            };
          };
      create_bid: {
        Args: { amount?: Json; description: string; title: string };
        Returns: Json;
      };
      create_campaign: {
        Args: { brief: string; budget?: Json; title: string };
        Returns: Json;
      };
      delete_my_account: { Args: Record<PropertyKey, never>; Returns: Json };
      diagnose_conversation: {
        Args: { conversation_id: string };
        Returns: Json;
      };
      direct_connect: {
        Args: {
          client_message_id?: string;
          initial_message?: string;
          points_cost?: number;
          target_user_id: string;
        };
        Returns: Json;
      };
      export_my_data: {
        Args: { cursor?: string; page_size?: number };
        Returns: Json;
      };
      force_close: {
        Args: { conversation_id: string; reason: string };
        Returns: Json;
      };
      force_dispute: {
        Args: { conversation_id: string; reason: string };
        Returns: Json;
      };
      get_available_actions: {
        Args: { conversation_id: string };
        Returns: Json;
      };
      get_chat_screen: {
        Args: {
          conversation_id: string;
          known_version?: string;
          page_size?: number;
        };
        Returns: Json;
      };
      get_conversation_context: {
        Args: { conversation_id: string; known_version?: number };
        Returns: Json;
      };
      get_conversation_history: {
        Args: {
          after_version?: number;
          conversation_id: string;
          page_size?: number;
        };
        Returns: Json;
      };
      get_conversations: {
        Args: { cursor?: string; filter?: string; page_size?: number };
        Returns: Json;
      };
      get_deal_screen: {
        Args: { conversation_id: string; known_version?: string };
        Returns: Json;
      };
      get_direct_connections: {
        Args: { cursor?: string; page_size?: number };
        Returns: Json;
      };
      get_inbox_screen: {
        Args: {
          cursor?: string;
          filter?: string;
          known_version?: string;
          page_size?: number;
        };
        Returns: Json;
      };
      get_market_screen: {
        Args: { known_version?: string; page_size?: number };
        Returns: Json;
      };
      get_messages: {
        Args: {
          after_seq?: number;
          before?: string;
          before_seq?: number;
          conversation_id: string;
          page_size?: number;
        };
        Returns: Database["public"]["CompositeTypes"]["chat_message"][];
        SetofOptions: {
          from: "*";
          to: "chat_message";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      get_metrics: { Args: Record<PropertyKey, never>; Returns: Json };
      get_notifications: {
        Args: { before?: number; page_size?: number };
        Returns: Json;
      };
      get_payouts: {
        Args: { before?: string; page_size?: number };
        Returns: Json;
      };
      get_points_history: {
        Args: { before?: number; page_size?: number };
        Returns: Json;
      };
      get_profile: { Args: Record<PropertyKey, never>; Returns: Json };
      get_quota: { Args: Record<PropertyKey, never>; Returns: Json };
      get_quota_screen: {
        Args: { known_version?: string; page_size?: number };
        Returns: Json;
      };
      get_ratings: { Args: { conversation_id: string }; Returns: Json };
      get_unread_count: { Args: Record<PropertyKey, never>; Returns: Json };
      grant_points: {
        Args: {
          grant_id: string;
          points: number;
          reason: string;
          user_id: string;
        };
        Returns: Json;
      };
      influencer: {
        Args: { "": Database["public"]["Views"]["conversations"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.influencer with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "conversations";
          to: "users";
          isOneToOne: true;
          isSetofReturn: true;
        };
      };
      invite_to_campaign: {
        Args: {
          campaign_id: string;
          client_action_id?: string;
          influencer_id: string;
        };
        Returns: Json;
      };
      list_alerts: {
        Args: {
          before?: number;
          page_size?: number;
          severity?: string;
          status?: string;
        };
        Returns: Json;
      };
      list_payouts: {
        Args: { after?: string; page_size?: number; status?: string };
        Returns: Json;
      };
      login_cleanup: { Args: Record<PropertyKey, never>; Returns: Json };
      mark_delivered: {
        Args: { conversation_id: string; up_to_seq?: number };
        Returns: Json;
      };
      mark_payment_returned: {
        Args: { reference: string; refund_id: string };
        Returns: Json;
      };
      mark_payout_paid: {
        Args: { payout_id: string; reference: string };
        Returns: Json;
      };
      mark_read: {
        Args: { conversation_id: string; up_to_seq?: number };
        Returns: Json;
      };
      mark_refunded_manually: {
        Args: { conversation_id: string; note?: string; reference: string };
        Returns: Json;
      };
      messages: {
        Args: { "": Database["public"]["Views"]["conversations"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.messages with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "conversations";
          to: "messages";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      process_payment_event: {
        Args: { actor?: string; event_row_id: number };
        Returns: Json;
      };
      publish_flow: { Args: { spec: Json }; Returns: Json };
      receiver: {
        Args: { "": Database["public"]["Tables"]["messages"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.receiver with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "messages";
          to: "users";
          isOneToOne: true;
          isSetofReturn: true;
        };
      };
      record_payment_event: {
        Args: {
          account_id?: string;
          body_base64: string;
          event_id: string;
          headers?: Json;
          mode?: string;
          secret_slot?: string;
        };
        Returns: Json;
      };
      record_push_result: {
        Args: { push_id: number; result: string };
        Returns: Json;
      };
      record_refund_result: {
        Args: { entity?: Json; error?: Json; refund_id: string };
        Returns: Json;
      };
      register_push_token: {
        Args: { keys?: Json; kind: string; token: string };
        Returns: Json;
      };
      replay_payment_event: { Args: { event_row_id: number }; Returns: Json };
      report_message: {
        Args: { details?: string; message_id: string; reason: string };
        Returns: Json;
      };
      resolve_alert: {
        Args: { alert_id: number; note?: string };
        Returns: Json;
      };
      resolve_dispute: {
        Args: {
          conversation_id: string;
          note?: string;
          refund_amount?: Json;
          verdict: string;
        };
        Returns: Json;
      };
      review_work: {
        Args: {
          client_action_id?: string;
          conversation_id: string;
          decision: string;
          feedback?: string;
        };
        Returns: Json;
      };
      scrub_conversation_history: {
        Args: { conversation_id: string; reason: string };
        Returns: Json;
      };
      scrub_payment_events: { Args: { max_rows?: number }; Returns: Json };
      search_messages: {
        Args: {
          before?: string;
          conversation_id?: string;
          page_size?: number;
          query: string;
        };
        Returns: Json;
      };
      send_message: {
        Args: {
          attachments?: Json;
          client_message_id?: string;
          conversation_id: string;
          expiration_hours?: number;
          max_points?: number;
          media_url?: string;
          message?: string;
          reply_to?: string;
        };
        Returns: Json;
      };
      sender: {
        Args: { "": Database["public"]["Tables"]["messages"]["Row"] };
        Returns: {
          error: true;
        } & "the function public.sender with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache";
        SetofOptions: {
          from: "messages";
          to: "users";
          isOneToOne: true;
          isSetofReturn: true;
        };
      };
      set_conversation_preferences: {
        Args: {
          archived?: boolean;
          conversation_id: string;
          muted_until?: string;
          pinned?: boolean;
        };
        Returns: Json;
      };
      set_privacy: {
        Args: { last_seen?: boolean; read_receipts?: boolean };
        Returns: Json;
      };
      set_typing: {
        Args: { conversation_id: string; is_typing: boolean };
        Returns: undefined;
      };
      simulate_action: {
        Args: { action: string; conversation_id: string; input?: Json };
        Returns: Json;
      };
      submit_text: {
        Args: {
          client_action_id?: string;
          conversation_id: string;
          input_type: string;
          text: string;
        };
        Returns: Json;
      };
      submit_work: {
        Args: {
          attachments?: Json;
          client_action_id?: string;
          conversation_id: string;
          deliverables: string;
          description?: string;
          submission_notes?: string;
        };
        Returns: Json;
      };
      sweep_due: { Args: { max_rows?: number }; Returns: Json };
      sync: { Args: { known?: Json; page_size?: number }; Returns: Json };
      take_action: {
        Args: {
          action: string;
          client_action_id?: string;
          conversation_id: string;
          expected_version?: number;
          input?: Json;
        };
        Returns: Json;
      };
      take_file_deletions: { Args: { max_rows?: number }; Returns: Json };
      take_pushes: { Args: { max_rows?: number }; Returns: Json };
      take_refund_requests: { Args: { max_rows?: number }; Returns: Json };
      unblock_user: { Args: { user_id: string }; Returns: Json };
      unregister_push_token: { Args: { token: string }; Returns: Json };
      validate_flow: { Args: { spec: Json }; Returns: Json };
      verify_conversation: { Args: { conversation_id: string }; Returns: Json };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      chat_message: {
        id: string | null;
        conversation_id: string | null;
        seq: number | null;
        sender_id: string | null;
        receiver_id: string | null;
        message: string | null;
        media_url: string | null;
        attachments: Json | null;
        message_type: string | null;
        visible_to: string | null;
        action_required: boolean | null;
        action_data: Json | null;
        action_completed: boolean | null;
        is_automated: boolean | null;
        reply_to: string | null;
        client_message_id: string | null;
        expires_at: string | null;
        seen: boolean | null;
        is_read: boolean | null;
        read_at: string | null;
        status: string | null;
        created_at: string | null;
      };
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<
  keyof Database,
  "public"
>];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals;
}
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R;
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] &
        DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] &
        DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R;
      }
      ? R
      : never
    : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    keyof DefaultSchema["Tables"] | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals;
}
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I;
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I;
      }
      ? I
      : never
    : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    keyof DefaultSchema["Tables"] | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals;
}
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U;
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U;
      }
      ? U
      : never
    : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    keyof DefaultSchema["Enums"] | { schema: keyof DatabaseWithoutInternals },
  EnumName extends (DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never) = never,
> = DefaultSchemaEnumNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals;
}
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
    : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends (PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never) = never,
> = PublicCompositeTypeNameOrOptions extends {
  schema: keyof DatabaseWithoutInternals;
}
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
    : never;

export const Constants = {
  public: {
    Enums: {},
  },
} as const;
