//! What the schema allows in requests, as a table small enough to read.
//!
//! Source: the published EWS schema (messages.xsd, types.xsd), as far as the simulated operations reach. [`super::schema`] applies it.
//!
//! A type is a name, its attributes and its content. Attributes are `Name:type`, with `!` after the name of a required one. Content is a
//! sequence of particles; a particle is one `p:Name/type` or several with `|` between them, and ends in `?`, `*` or `+` as in a
//! regular expression. `$group` stands for the alternatives of a group. Content `=type` is text, `#any` is not looked at.

/// Name, attributes, content.
pub(super) type Row = (&'static str, &'static str, &'static str);

/// The operations the simulator offers, by element name.
pub(super) const OPERATIONS: &[Row] = &[
    ("GetFolder", "", "m:FolderShape/folder-shape m:FolderIds/folder-ids"),
    (
        "FindFolder",
        "Traversal!:folder-traversal",
        "m:FolderShape/folder-shape m:IndexedPageFolderView/indexed-view|m:FractionalPageFolderView/fractional-view? m:Restriction/restriction? m:ParentFolderIds/folder-ids",
    ),
    ("SyncFolderHierarchy", "", "m:FolderShape/folder-shape m:SyncFolderId/target-folder? m:SyncState/string?"),
    (
        "SyncFolderItems",
        "",
        "m:ItemShape/item-shape m:SyncFolderId/target-folder m:SyncState/string? m:Ignore/ignored-ids? m:MaxChangesReturned/sync-page m:SyncScope/sync-scope?",
    ),
    (
        "FindItem",
        "Traversal!:item-traversal",
        "m:ItemShape/item-shape m:IndexedPageItemView/indexed-view|m:FractionalPageItemView/fractional-view|m:SeekToConditionPageItemView/any|m:CalendarView/calendar-view|m:ContactsView/any? m:GroupBy/any|m:DistinguishedGroupBy/any? m:Restriction/restriction? m:SortOrder/sort-order? m:ParentFolderIds/folder-ids m:QueryString/query-string?",
    ),
    ("GetItem", "", "m:ItemShape/item-shape m:ItemIds/item-ids"),
    ("GetAttachment", "", "m:AttachmentShape/attachment-shape? m:AttachmentIds/attachment-ids"),
    ("Subscribe", "", "m:PullSubscriptionRequest/pull|m:PushSubscriptionRequest/push|m:StreamingSubscriptionRequest/streaming"),
    ("Unsubscribe", "", "m:SubscriptionId/nonempty"),
    ("GetEvents", "", "m:SubscriptionId/nonempty m:Watermark/nonempty"),
    ("GetStreamingEvents", "", "m:SubscriptionIds/subscription-ids m:ConnectionTimeout/stream-minutes"),
    ("ConvertId", "DestinationFormat!:id-format", "m:SourceIds/alternate-ids"),
    (
        "ResolveNames",
        "ReturnFullContactData!:bool SearchScope:search-scope ContactDataShape:shape",
        "m:ParentFolderIds/folder-ids? m:UnresolvedEntry/nonempty",
    ),
    ("CreateFolder", "", "m:ParentFolderId/target-folder m:Folders/folders"),
    ("DeleteFolder", "DeleteType!:disposal", "m:FolderIds/folder-ids"),
    ("EmptyFolder", "DeleteType!:disposal DeleteSubFolders!:bool", "m:FolderIds/folder-ids"),
    ("UpdateFolder", "", "m:FolderChanges/folder-changes"),
    ("MoveFolder", "", "m:ToFolderId/target-folder m:FolderIds/folder-ids"),
    ("CreateItem", "MessageDisposition:disposition SendMeetingInvitations:string", "m:SavedItemFolderId/target-folder? m:Items/items"),
    ("MoveItem", "", "m:ToFolderId/target-folder m:ItemIds/item-ids m:ReturnNewItemIds/bool?"),
    ("CopyItem", "", "m:ToFolderId/target-folder m:ItemIds/item-ids m:ReturnNewItemIds/bool?"),
    (
        "UpdateItem",
        "ConflictResolution!:conflict MessageDisposition:disposition SendMeetingInvitationsOrCancellations:string SuppressReadReceipts:bool",
        "m:SavedItemFolderId/target-folder? m:ItemChanges/item-changes",
    ),
    (
        "DeleteItem",
        "DeleteType!:disposal SendMeetingCancellations:string AffectedTaskOccurrences:string SuppressReadReceipts:bool",
        "m:ItemIds/item-ids",
    ),
    ("SendItem", "SaveItemToFolder!:bool", "m:ItemIds/item-ids m:SavedItemFolderId/target-folder?"),
    ("GetServerTimeZones", "ReturnFullTimeZoneData:bool", "m:Ids/zone-ids?"),
];

/// Operations the schema knows and the simulator does not offer.
pub(super) const UNOFFERED: &str = "UploadItems ExportItems CopyFolder CreateFolderPath UpdateItemInRecoverableItems ArchiveItem FindConversation \
ApplyConversationAction FindPeople GetPersona CreateAttachment DeleteAttachment GetClientAccessToken GetPasswordExpirationDate GetMailTips PlayOnPhone \
ExpandDL CreateManagedFolder SendNotification GetUserAvailabilityRequest GetUserOofSettingsRequest SetUserOofSettingsRequest GetDelegate AddDelegate \
RemoveDelegate UpdateDelegate GetSharingMetadata RefreshSharingFolder GetSharingFolder CreateUserConfiguration DeleteUserConfiguration \
GetUserConfiguration UpdateUserConfiguration GetRoomLists GetRooms GetReminders PerformReminderAction GetServiceConfiguration FindMessageTrackingReport \
GetMessageTrackingReport GetInboxRules UpdateInboxRules FindMailboxStatisticsByKeywords GetSearchableMailboxes SearchMailboxes \
GetDiscoverySearchConfiguration GetHoldOnMailboxes SetHoldOnMailboxes GetNonIndexableItemStatistics GetNonIndexableItemDetails MarkAllItemsAsRead \
GetConversationItems GetAppManifests MarkAsJunk InstallApp UninstallApp DisableApp GetUserRetentionPolicyTags GetUserPhoto SetUserPhoto";

/// Complex types.
pub(super) const TYPES: &[Row] = &[
    ("folder-shape", "", "t:BaseShape/shape t:AdditionalProperties/paths?"),
    (
        "item-shape",
        "",
        "t:BaseShape/shape t:IncludeMimeContent/bool? t:BodyType/body-type? t:UniqueBodyType/body-type? t:NormalizedBodyType/body-type? t:FilterHtmlContent/bool? t:ConvertHtmlCodePageToUTF8/bool? t:InlineImageUrlTemplate/string? t:BlockExternalImages/bool? t:AddBlankTargetToLinks/bool? t:MaximumBodySize/int? t:AdditionalProperties/paths?",
    ),
    ("attachment-shape", "", "t:IncludeMimeContent/bool? t:BodyType/body-type? t:FilterHtmlContent/bool? t:AdditionalProperties/paths?"),
    ("paths", "", "$path+"),
    ("field", "FieldURI!:field-uri", ""),
    ("indexed-field", "FieldURI!:string FieldIndex!:string", ""),
    (
        "extended-field",
        "DistinguishedPropertySetId:property-set PropertySetId:string PropertyTag:property-tag PropertyName:string PropertyId:int PropertyType!:property-type",
        "",
    ),
    ("folder-id", "Id!:string ChangeKey:string", ""),
    ("distinguished-id", "Id!:distinguished ChangeKey:string", "t:Mailbox/address?"),
    (
        "address",
        "",
        "t:Name/string? t:EmailAddress/nonempty? t:RoutingType/nonempty? t:MailboxType/mailbox-type? t:ItemId/item-id? t:OriginalDisplayName/string?",
    ),
    ("folder-ids", "", "t:FolderId/folder-id|t:DistinguishedFolderId/distinguished-id+"),
    ("target-folder", "", "t:FolderId/folder-id|t:DistinguishedFolderId/distinguished-id|t:AddressListId/any"),
    ("item-id", "Id!:string ChangeKey:string", ""),
    ("item-ids", "", "$item-id+"),
    ("ignored-ids", "", "$item-id+"),
    ("attachment-ids", "", "t:AttachmentId/attachment-id+"),
    ("attachment-id", "Id!:string", ""),
    ("indexed-view", "MaxEntriesReturned:positive Offset!:int BasePoint!:base-point", ""),
    ("fractional-view", "MaxEntriesReturned:positive Numerator!:int Denominator!:int", ""),
    ("calendar-view", "MaxEntriesReturned:positive StartDate!:date-time EndDate!:date-time", ""),
    ("restriction", "", "$search"),
    ("search-list", "", "$search+"),
    ("search-one", "", "$search"),
    ("exists", "", "$path"),
    ("excludes", "", "$path t:Bitmask/any"),
    ("compare", "", "$path t:FieldURIOrConstant/operand"),
    ("operand", "", "$path|t:Constant/constant"),
    ("constant", "Value!:string", ""),
    ("contains", "ContainmentMode:containment-mode ContainmentComparison:containment-comparison", "$path t:Constant/constant"),
    ("sort-order", "", "t:FieldOrder/field-order+"),
    ("field-order", "Order!:direction", "$path"),
    ("query-string", "ResetCache:bool ReturnHighlightTerms:bool ReturnDeletedItems:bool", "=string"),
    ("pull", "SubscribeToAllFolders:bool", "t:FolderIds/folder-ids? t:EventTypes/event-types t:Watermark/nonempty? t:Timeout/pull-minutes"),
    (
        "push",
        "SubscribeToAllFolders:bool",
        "t:FolderIds/folder-ids? t:EventTypes/event-types t:Watermark/nonempty? t:StatusFrequency/pull-minutes t:URL/string t:CallerData/string?",
    ),
    ("streaming", "SubscribeToAllFolders:bool", "t:FolderIds/folder-ids? t:EventTypes/event-types"),
    ("event-types", "", "t:EventType/event-type+"),
    ("subscription-ids", "", "t:SubscriptionId/nonempty+"),
    ("alternate-ids", "", "t:AlternateId/alternate-id|t:AlternatePublicFolderId/any|t:AlternatePublicFolderItemId/any+"),
    ("alternate-id", "Format!:id-format Id!:string Mailbox!:nonempty IsArchive:bool", ""),
    ("folders", "", "$folder+"),
    (
        "folder",
        "",
        "t:FolderId/folder-id? t:ParentFolderId/folder-id? t:FolderClass/string? t:DisplayName/string? t:TotalCount/int? t:ChildFolderCount/int? t:ExtendedProperty/extended-property* t:ManagedFolderInformation/any? t:EffectiveRights/any? t:DistinguishedFolderId/string? t:PolicyTag/any? t:ArchiveTag/any? t:ReplicaList/any? t:PermissionSet/any? t:SharingEffectiveRights/any? t:UnreadCount/int? t:SearchParameters/any?",
    ),
    ("extended-property", "", "t:ExtendedFieldURI/extended-field t:Value/string|t:Values/any"),
    ("folder-changes", "", "t:FolderChange/folder-change+"),
    ("folder-change", "", "t:FolderId/folder-id|t:DistinguishedFolderId/distinguished-id t:Updates/folder-updates"),
    ("folder-updates", "", "t:AppendToFolderField/folder-set|t:SetFolderField/folder-set|t:DeleteFolderField/exists+"),
    ("folder-set", "", "$path $folder"),
    ("items", "", "$item+"),
    ("item-changes", "", "t:ItemChange/item-change+"),
    ("item-change", "", "$item-id t:Updates/item-updates t:CalendarActivityData/any?"),
    ("item-updates", "", "t:AppendToItemField/item-set|t:SetItemField/item-set|t:DeleteItemField/exists+"),
    ("item-set", "", "$path $item"),
    ("impersonation", "", "t:ConnectingSID/connecting-sid"),
    ("connecting-sid", "", "t:PrincipalName/nonempty|t:SID/nonempty|t:PrimarySmtpAddress/nonempty|t:SmtpAddress/nonempty"),
    ("item", "", ITEM),
    ("message", "", MESSAGE),
    ("mime", "CharacterSet:string", "=string"),
    ("body", "BodyType!:body-kind IsTruncated:bool", "=string"),
    ("strings", "", "t:String/string*"),
    ("recipient", "", "t:Mailbox/address"),
    ("recipients", "", "t:Mailbox/address*"),
    ("zone-ids", "", "t:Id/string+"),
];

const ITEM: &str = "t:MimeContent/mime? t:ItemId/item-id? t:ParentFolderId/folder-id? t:ItemClass/string? t:Subject/string? t:Sensitivity/sensitivity? \
t:Body/body? t:Attachments/any? t:DateTimeReceived/date-time? t:Size/int? t:Categories/strings? t:Importance/importance? t:InReplyTo/string? \
t:IsSubmitted/bool? t:IsDraft/bool? t:IsFromMe/bool? t:IsResend/bool? t:IsUnmodified/bool? t:InternetMessageHeaders/any? t:DateTimeSent/date-time? \
t:DateTimeCreated/date-time? t:ResponseObjects/any? t:ReminderDueBy/date-time? t:ReminderIsSet/bool? t:ReminderNextTime/date-time? \
t:ReminderMinutesBeforeStart/string? t:DisplayCc/string? t:DisplayTo/string? t:DisplayBcc/string? t:HasAttachments/bool? \
t:ExtendedProperty/extended-property* t:Culture/string? t:EffectiveRights/any? t:LastModifiedName/string? t:LastModifiedTime/date-time? \
t:IsAssociated/bool? t:WebClientReadFormQueryString/string? t:WebClientEditFormQueryString/string? t:ConversationId/item-id? t:UniqueBody/body? \
t:Flag/any? t:StoreEntryId/string? t:InstanceKey/string?";

const MESSAGE: &str = "t:MimeContent/mime? t:ItemId/item-id? t:ParentFolderId/folder-id? t:ItemClass/string? t:Subject/string? t:Sensitivity/sensitivity? \
t:Body/body? t:Attachments/any? t:DateTimeReceived/date-time? t:Size/int? t:Categories/strings? t:Importance/importance? t:InReplyTo/string? \
t:IsSubmitted/bool? t:IsDraft/bool? t:IsFromMe/bool? t:IsResend/bool? t:IsUnmodified/bool? t:InternetMessageHeaders/any? t:DateTimeSent/date-time? \
t:DateTimeCreated/date-time? t:ResponseObjects/any? t:ReminderDueBy/date-time? t:ReminderIsSet/bool? t:ReminderNextTime/date-time? \
t:ReminderMinutesBeforeStart/string? t:DisplayCc/string? t:DisplayTo/string? t:DisplayBcc/string? t:HasAttachments/bool? \
t:ExtendedProperty/extended-property* t:Culture/string? t:EffectiveRights/any? t:LastModifiedName/string? t:LastModifiedTime/date-time? \
t:IsAssociated/bool? t:WebClientReadFormQueryString/string? t:WebClientEditFormQueryString/string? t:ConversationId/item-id? t:UniqueBody/body? \
t:Flag/any? t:StoreEntryId/string? t:InstanceKey/string? t:Sender/recipient? t:ToRecipients/recipients? t:CcRecipients/recipients? \
t:BccRecipients/recipients? t:IsReadReceiptRequested/bool? t:IsDeliveryReceiptRequested/bool? t:ConversationIndex/string? t:ConversationTopic/string? \
t:From/recipient? t:InternetMessageId/string? t:IsRead/bool? t:IsResponseRequested/bool? t:References/string? t:ReplyTo/recipients? \
t:ReceivedBy/recipient? t:ReceivedRepresenting/recipient?";

/// Groups of alternatives.
pub(super) const GROUPS: &[(&str, &str)] = &[
    ("path", "t:FieldURI/field|t:IndexedFieldURI/indexed-field|t:ExtendedFieldURI/extended-field"),
    ("item-id", "t:ItemId/item-id|t:OccurrenceItemId/any|t:RecurringMasterItemId/any|t:RecurringMasterItemIdRanges/any"),
    (
        "search",
        "t:Exists/exists|t:Excludes/excludes|t:IsEqualTo/compare|t:IsNotEqualTo/compare|t:IsGreaterThan/compare|t:IsGreaterThanOrEqualTo/compare|t:IsLessThan/compare|t:IsLessThanOrEqualTo/compare|t:Contains/contains|t:Not/search-one|t:And/search-list|t:Or/search-list",
    ),
    ("folder", "t:Folder/folder|t:CalendarFolder/folder|t:ContactsFolder/folder|t:SearchFolder/folder|t:TasksFolder/folder"),
    (
        "item",
        "t:Item/item|t:Message/message|t:SharingMessage/message|t:CalendarItem/any|t:Contact/any|t:DistributionList/any|t:MeetingMessage/any|t:MeetingRequest/any|t:MeetingResponse/any|t:MeetingCancellation/any|t:Task/any|t:PostItem/any|t:ReplyToItem/any|t:ForwardItem/any|t:ReplyAllToItem/any|t:AcceptItem/any|t:TentativelyAcceptItem/any|t:DeclineItem/any|t:CancelCalendarItem/any|t:RemoveItem/any|t:SuppressReadReceipt/any|t:PostReplyItem/any",
    ),
];

/// Enumerations.
pub(super) const ENUMERATIONS: &[(&str, &str)] = &[
    ("shape", "IdOnly Default AllProperties PcxPeopleSearch"),
    ("body-type", "Best HTML Text"),
    ("body-kind", "HTML Text"),
    ("folder-traversal", "Shallow Deep SoftDeleted"),
    ("item-traversal", "Shallow SoftDeleted Associated"),
    ("sync-scope", "NormalItems NormalAndAssociatedItems"),
    ("base-point", "Beginning End"),
    ("direction", "Ascending Descending"),
    ("disposal", "HardDelete SoftDelete MoveToDeletedItems"),
    ("disposition", "SaveOnly SendOnly SendAndSaveCopy"),
    ("conflict", "NeverOverwrite AutoResolve AlwaysOverwrite"),
    ("importance", "Low Normal High"),
    ("sensitivity", "Normal Personal Private Confidential"),
    ("id-format", "EwsLegacyId EwsId EntryId HexEntryId StoreId OwaId"),
    ("search-scope", "ActiveDirectory ActiveDirectoryContacts Contacts ContactsActiveDirectory"),
    ("containment-mode", "FullString Prefixed Substring PrefixOnWords ExactPhrase"),
    (
        "containment-comparison",
        "Exact IgnoreCase IgnoreNonSpacingCharacters Loose IgnoreCaseAndNonSpacingCharacters LooseAndIgnoreCase LooseAndIgnoreNonSpace LooseAndIgnoreCaseAndIgnoreNonSpace",
    ),
    ("event-type", "CopiedEvent CreatedEvent DeletedEvent ModifiedEvent MovedEvent NewMailEvent FreeBusyChangedEvent"),
    ("mailbox-type", "Unknown OneOff Mailbox PublicDL PrivateDL Contact PublicFolder GroupMailbox ImplicitContact"),
    ("property-set", "Meeting Appointment Common PublicStrings Address InternetHeaders CalendarAssistant UnifiedMessaging Task Sharing"),
    (
        "property-type",
        "ApplicationTime ApplicationTimeArray Binary BinaryArray Boolean CLSID CLSIDArray Currency CurrencyArray Double DoubleArray Error Float FloatArray Integer IntegerArray Long LongArray Null Object ObjectArray Short ShortArray SystemTime SystemTimeArray String StringArray",
    ),
    (
        "distinguished",
        "calendar contacts deleteditems drafts inbox journal notes outbox sentitems tasks msgfolderroot publicfoldersroot root junkemail searchfolders voicemail recoverableitemsroot recoverableitemsdeletions recoverableitemsversions recoverableitemspurges recoverableitemsdiscoveryholds archiveroot archivemsgfolderroot archivedeleteditems archiveinbox archiverecoverableitemsroot archiverecoverableitemsdeletions archiverecoverableitemsversions archiverecoverableitemspurges archiverecoverableitemsdiscoveryholds syncissues conflicts localfailures serverfailures recipientcache quickcontacts conversationhistory adminauditlogs todosearch mycontacts directory imcontactlist peopleconnect favorites mecontact personmetadata teamspaceactivity teamspacemessaging teamspaceworkitems scheduled orionnotes tagitems alltaggeditems externalcontacts teamchat teamchathistory yammerroot yammerinbound yammeroutbound yammerfeeds onedriveroot onedriverecylebin onedrivesystem onedrivevolume important starred archive",
    ),
    ("field-uri", super::fields::UNINDEXED),
];

/// Whole numbers with their bounds.
pub(super) const NUMBERS: &[(&str, i64, i64)] = &[
    ("int", i32::MIN as i64, i32::MAX as i64),
    ("positive", 1, i32::MAX as i64),
    ("sync-page", 1, 512),
    ("stream-minutes", 1, 30),
    ("pull-minutes", 1, 1440),
];
